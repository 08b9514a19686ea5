import { describe, expect, it } from "vitest";
import { groupByAge } from "./groups";
import { titleOf } from "./title";
import { type Conversation, emptySetup } from "./types";

describe("titleOf", () => {
  it("takes the first line without marks", () => {
    expect(titleOf("  ## What is a *quern*?\nSecond line")).toBe("What is a quern?");
    expect(titleOf(" \n ")).toBe("New chat");
  });

  it("cuts at a word, and never inside a character", () => {
    const title = titleOf("word ".repeat(40));
    expect(title).toMatch(/^(word )*word…$/);
    expect(title.length).toBeLessThanOrEqual(61);
    expect(titleOf("x".repeat(59) + "👋👋")).toBe(`${"x".repeat(59)}…`);
  });
});

describe("groupByAge", () => {
  const now = new Date(2026, 2, 10, 15);
  const at = (id: string, date: Date): Conversation => ({
    id, title: id, named: false, created: 0, updated: date.getTime(), setup: emptySetup, chosen: {},
  });

  it("groups by the calendar, not by hours", () => {
    const groups = groupByAge(
      [
        at("a", now), at("b", new Date(2026, 2, 10)), at("c", new Date(2026, 2, 9, 23, 59)),
        at("d", new Date(2026, 2, 4)), at("e", new Date(2026, 1, 20)), at("f", new Date(2025, 0, 1)),
      ],
      now,
    );
    expect(groups.map(({ label, members }) => [label, members.map((m) => m.id).join("")])).toEqual([
      ["Today", "ab"], ["Yesterday", "c"], ["Last 7 days", "d"], ["Last 30 days", "e"], ["Older", "f"],
    ]);
  });

  it("leaves out groups without members, and takes a clock that ran ahead", () => {
    expect(groupByAge([at("x", new Date(2027, 0, 1))], now).map((g) => g.label)).toEqual(["Today"]);
  });
});
