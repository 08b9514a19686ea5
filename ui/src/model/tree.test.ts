import { describe, expect, it } from "vitest";
import {
  addMessage,
  buildTree,
  chooseVersion,
  emptyTree,
  pathTo,
  shownPath,
  updateMessage,
  versionsOf,
} from "./tree";
import type { Message, Role } from "./types";

let clock = 0;

function message(id: string, parent: string | null, role: Role = "user"): Message {
  clock += 1;
  return { id, conversation: "c", parent, role, text: id, created: clock, state: "done" };
}

function ids(messages: Message[]): string {
  return messages.map((m) => m.id).join(" ");
}

/** q1 -> a1 -> q2 -> a2, then a second answer to q1 with a question of its own. */
function branched() {
  let tree = emptyTree;
  tree = addMessage(tree, message("q1", null));
  tree = addMessage(tree, message("a1", "q1", "assistant"));
  tree = addMessage(tree, message("q2", "a1"));
  tree = addMessage(tree, message("a2", "q2", "assistant"));
  tree = addMessage(tree, message("b1", "q1", "assistant"));
  tree = addMessage(tree, message("r2", "b1"));
  return tree;
}

describe("tree", () => {
  it("shows the newest version and what follows it", () => {
    expect(ids(shownPath(branched()))).toBe("q1 b1 r2");
  });

  it("brings back what followed an earlier version", () => {
    expect(ids(shownPath(chooseVersion(branched(), "a1")))).toBe("q1 a1 q2 a2");
  });

  it("keeps the choice of a branch that is left and entered again", () => {
    let tree = branched();
    tree = addMessage(tree, message("a3", "q2", "assistant"));
    tree = chooseVersion(tree, "a2");
    tree = chooseVersion(tree, "b1");
    expect(ids(shownPath(tree))).toBe("q1 b1 r2");
    tree = chooseVersion(tree, "a1");
    expect(ids(shownPath(tree))).toBe("q1 a1 q2 a2");
  });

  it("counts versions in the order they were made", () => {
    const tree = branched();
    expect(versionsOf(tree, "a1")).toEqual({ ids: ["a1", "b1"], index: 0 });
    expect(versionsOf(tree, "b1").index).toBe(1);
    expect(versionsOf(tree, "q1").ids).toEqual(["q1"]);
  });

  it("versions the first question as well", () => {
    const tree = addMessage(branched(), message("Q1", null));
    expect(versionsOf(tree, "Q1")).toEqual({ ids: ["q1", "Q1"], index: 1 });
    expect(ids(shownPath(tree))).toBe("Q1");
  });

  it("gives the context of an answer, whatever is shown", () => {
    expect(ids(pathTo(branched(), "q2"))).toBe("q1 a1 q2");
    expect(pathTo(branched(), null)).toEqual([]);
  });

  it("updates a message in place and leaves the old tree alone", () => {
    const before = branched();
    const after = updateMessage(before, { ...before.messages.get("b1")!, text: "changed" });
    expect(after.messages.get("b1")?.text).toBe("changed");
    expect(before.messages.get("b1")?.text).toBe("b1");
    expect(ids(shownPath(after))).toBe("q1 b1 r2");
  });

  it("is the same after it was stored and built again, in any order", () => {
    const tree = chooseVersion(branched(), "a1");
    const again = buildTree([...tree.messages.values()].reverse(), tree.chosen);
    expect(ids(shownPath(again))).toBe("q1 a1 q2 a2");
    expect(versionsOf(again, "b1")).toEqual(versionsOf(tree, "b1"));
  });

  it("survives orphans, circles and a choice that is gone", () => {
    const circle = [message("x", "y"), message("y", "x"), message("orphan", "nobody")];
    const tree = buildTree([...circle, message("q", null)], { "": "gone", q: "gone" });
    expect(ids(shownPath(tree))).toBe("q");
    expect(pathTo(tree, "x").length).toBeLessThanOrEqual(4);
  });

  it("takes no choice from the prototype of the record", () => {
    const tree = buildTree([message("constructor", null), message("child", "constructor")], {});
    expect(ids(shownPath(tree))).toBe("constructor child");
  });
});
