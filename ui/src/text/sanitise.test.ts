// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { Painter } from "./painter";
import { sanitise } from "./sanitise";

/** What hostile or misled models might write; each must end as harmless text. */
const kHostile = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  "<svg><script>alert(1)</script></svg>",
  "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
  "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
  "<iframe src=javascript:alert(1)></iframe>",
  "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
  "<object data=javascript:alert(1)></object><embed src=javascript:alert(1)>",
  "<a href='javascript:alert(1)'>x</a>",
  "<a href=\"java\nscript:alert(1)\">x</a>",
  "<b onmouseover=alert(1)>x</b>",
  "<b style='background:url(http://evil.example)'>x</b>",
  "<br onclick=alert(1)/>",
  "<kbd\nonfocus=alert(1) tabindex=0 autofocus>x</kbd>",
  "<form action=http://evil.example><input name=q><button>go</button></form>",
  "<style>*{display:none}</style>",
  "<link rel=stylesheet href=http://evil.example>",
  "<meta http-equiv=refresh content='0;url=http://evil.example'>",
  "<base href=http://evil.example>",
  "<template><script>alert(1)</script></template>",
  "<details open ontoggle=alert(1)>x</details>",
  "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
  "<!--><img src=x onerror=alert(1)>-->",
  "<![CDATA[<img src=x onerror=alert(1)>]]>",
  "<<b>script>alert(1)<</b>/script>",
  "<b id=app name=cookie class='dialog modal'>x</b>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](&#106;avascript:alert(1))",
  "[x](java&#10;script:alert(1))",
  "[x](vbscript:msgbox(1))",
  "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
  "[x](/v1/models)",
  "[x](//evil.example/)",
  "[x](blob:http://localhost/1)",
  "[x](http://a.example\" onmouseover=\"alert(1))",
  "[x](<http://a.example/\"onmouseover=alert(1)>)",
  "[x](http://a.example 'y\" onmouseover=\"alert(1)')",
  "<javascript:alert(1)>",
  "![x](javascript:alert(1))",
  "![x](http://evil.example/track.png)",
  "![x\" onerror=\"alert(1)](http://evil.example/track.png)",
  "[x][r]\n\n[r]: javascript:alert(1)",
  "```\"><img src=x onerror=alert(1)>\ncode\n```",
  "```js onload=alert(1)\n</code></pre><script>alert(1)</script>\n```",
  "`</code><img src=x onerror=alert(1)>`",
  "| a |\n| --- |\n| <img src=x onerror=alert(1)> |",
  "# <img src=x onerror=alert(1)>",
  "- <svg/onload=alert(1)>",
  "> <script\n>alert(1)</script>",
  "&lt;img src=x onerror=alert(1)&gt;",
  "<x/onclick=alert(1)>",
  "<b/onclick=alert(1)>",
  "<sub <script>alert(1)</script>",
];

const kAllowedTags = new Set(
  ("A B BLOCKQUOTE BR BUTTON CODE DEL DIV EM H3 H4 H5 H6 HR I KBD LI MARK OL P PRE S SPAN STRONG " +
    "SUB SUP TABLE TBODY TD TH THEAD TR U UL").split(" "),
);
const kAllowedAttributes = new Set(
  "align aria-label class href rel role start tabindex target title type".split(" "),
);

function expectHarmless(root: ParentNode): void {
  for (const element of root.querySelectorAll("*")) {
    expect(kAllowedTags).toContain(element.tagName);
    for (const { name, value } of Array.from(element.attributes)) {
      expect(kAllowedAttributes).toContain(name);
      if (name === "href") expect(value).toMatch(/^(https?:\/\/|mailto:)/);
    }
  }
}

function paint(markdown: string): HTMLElement {
  const root = document.createElement("div");
  new Painter(root).paint(markdown, "whole");
  return root;
}

describe("hostile answers", () => {
  it.each(kHostile)("are harmless through markdown: %s", (answer) => {
    expectHarmless(paint(answer));
  });

  it.each(kHostile)("are harmless while they grow: %s", (answer) => {
    const root = document.createElement("div");
    const painter = new Painter(root);
    for (let end = 1; end <= answer.length; end += 1) {
      painter.paint(answer.slice(0, end), "growing");
      expectHarmless(root);
    }
  });

  it.each(kHostile)("are harmless if the renderer let them through: %s", (html) => {
    const root = document.createElement("div");
    root.append(sanitise(html));
    expectHarmless(root);
  });
});

describe("what people should see", () => {
  it("shows markup as text instead of dropping it", () => {
    expect(paint("Use the <div class='x'> tag.").textContent).toContain("<div class='x'>");
    expect(paint("<script>alert(1)</script>").textContent).toContain("alert(1)");
  });

  it("keeps harmless inline tags without their attributes", () => {
    const root = paint("H<sub onclick=x>2</sub>O<br>new line");
    expect(root.querySelector("sub")?.textContent).toBe("2");
    expect(root.querySelector("sub")?.attributes.length).toBe(0);
  });

  it("opens links in a tab that knows nothing about this one", () => {
    const link = paint("[x](https://example.org)").querySelector("a");
    expect(link?.target).toBe("_blank");
    expect(link?.rel).toContain("noopener");
  });

  it("turns pictures into links and loads nothing", () => {
    const root = paint("![a cat](https://example.org/cat.png)");
    expect(root.querySelector("img")).toBeNull();
    expect(root.querySelector("a")?.textContent).toBe("Picture: a cat");
  });

  it("keeps the alignment of columns and the first number of a list", () => {
    const root = paint("| a | b |\n| --- | ---: |\n| 1 | 2 |\n\n7. seven\n8. eight");
    expect(root.querySelectorAll("td")[1]?.getAttribute("align")).toBe("right");
    expect(root.querySelector("ol")?.getAttribute("start")).toBe("7");
  });

  it("keeps the text of a link that leads nowhere good", () => {
    const root = paint("[click me](javascript:alert(1))");
    expect(root.textContent).toContain("click me");
    expect(root.querySelector("a[href]")).toBeNull();
  });
});
