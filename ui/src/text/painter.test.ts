// @vitest-environment jsdom
import { beforeEach, describe, expect, it } from "vitest";
import { BlockSplitter, wholeBlocks } from "./blocks";
import { Painter } from "./painter";

const kAnswer = [
  "# Title",
  "",
  "A paragraph with **bold**, `code` and a [link][ref].",
  "It has two lines.",
  "",
  "1. one",
  "",
  "2. two",
  "   ```js",
  "   const a = 1;",
  "   ```",
  "",
  "Head | Other",
  "--- | ---",
  "a | b",
  "",
  "```python",
  "def f(x):",
  "",
  '    return f"<b>{x}</b>"',
  "```",
  "",
  "Setext",
  "---",
  "> quoted",
  "> more",
  "",
  "- [x] done",
  "- [ ] open",
  "",
  "[ref]: https://example.org/a",
  "",
  "The end.",
].join("\n");

let root: HTMLElement;

beforeEach(() => {
  root = document.createElement("div");
});

function painted(text: string): string {
  const other = document.createElement("div");
  new Painter(other).paint(text, "whole");
  return other.innerHTML;
}

describe("Painter", () => {
  it("ends with the same document however the answer was cut", () => {
    for (const step of [1, 2, 3, 7, 50]) {
      root.replaceChildren();
      const painter = new Painter(root);
      for (let end = step; end < kAnswer.length; end += step) {
        painter.paint(kAnswer.slice(0, end), "growing");
      }
      painter.paint(kAnswer, "whole");
      expect(root.innerHTML, `step ${step}`).toBe(painted(kAnswer));
    }
  }, 30_000);

  it("keeps the elements of what is settled", () => {
    const painter = new Painter(root);
    painter.paint("first\n\nsecond\n\nthird\n\nfour", "growing");
    const first = root.querySelector("p");
    painter.paint("first\n\nsecond\n\nthird\n\nfourth\n\nfifth", "growing");
    painter.paint("first\n\nsecond\n\nthird\n\nfourth\n\nfifth", "whole");
    expect(root.querySelector("p")).toBe(first);
    expect(root.querySelectorAll("p").length).toBe(5);
  });

  it("grows a code block without replacing its lines", () => {
    const painter = new Painter(root);
    painter.paint("```js\nconst a = 1;\n", "growing");
    const keyword = root.querySelector(".hljs-keyword");
    expect(keyword).not.toBeNull();
    painter.paint("```js\nconst a = 1;\nconst b = 2;\n", "growing");
    expect(root.querySelector(".hljs-keyword")).toBe(keyword);
    expect(root.querySelectorAll(".hljs-keyword").length).toBe(2);
  });

  it("starts anew when the text is another one", () => {
    const painter = new Painter(root);
    painter.paint("one\n\ntwo\n\nthree\n\nfour", "growing");
    painter.paint("other", "growing");
    expect(root.textContent?.trim()).toBe("other");
  });

  it("resolves links that are defined further down", () => {
    new Painter(root).paint(kAnswer, "whole");
    expect(root.querySelector("a")?.getAttribute("href")).toBe("https://example.org/a");
  });

  it("labels code with its language and gives it a button", () => {
    new Painter(root).paint("```python\nprint(1)\n```", "whole");
    expect(root.querySelector(".code-language")?.textContent).toBe("python");
    expect(root.querySelector(".code-copy")?.textContent).toBe("Copy");
    expect(root.querySelector("code")?.textContent).toBe("print(1)");
  });
});

describe("BlockSplitter", () => {
  it("does the work of a long answer once", () => {
    const splitter = new BlockSplitter();
    const paragraphs = Array.from({ length: 200 }, (_, i) => `paragraph ${i}`).join("\n\n");
    const before = splitter.grow(paragraphs);
    const after = splitter.grow(`${paragraphs} and more`);
    const same = after.filter((block, i) => block === before[i]).length;
    expect(same).toBe(198);
  });

  it("loses no character of anything", () => {
    const odd = "a\r\n\r\nb\r\tc\n\n\u0000\n\n    code\n\n\n\n\n<div>\n\n&amp;\n";
    const raw = wholeBlocks(odd).map((block) => block.raw).join("");
    expect(raw).toBe(odd.replace(/\r\n?/g, "\n"));
  });
});
