// Paints an answer into an element, block by block, touching only the blocks that changed.

import { type Block, BlockSplitter, wholeBlocks } from "./blocks";
import { renderTokens } from "./markdown";
import { morphChildren } from "./morph";
import { sanitise } from "./sanitise";

interface Painted {
  readonly element: HTMLElement;
  block: Block | undefined;
  html: string;
}

export type Completeness = "growing" | "whole";

export class Painter {
  private readonly painted: Painted[] = [];
  private splitter = new BlockSplitter();

  constructor(private readonly root: HTMLElement) {}

  paint(text: string, completeness: Completeness): void {
    const blocks = completeness === "growing" ? this.splitter.grow(text) : wholeBlocks(text);
    blocks.forEach((block, i) => this.paintBlock(i, block));
    for (const gone of this.painted.splice(blocks.length)) gone.element.remove();
    if (completeness === "whole") this.splitter = new BlockSplitter();
  }

  private paintBlock(i: number, block: Block): void {
    const painted = this.painted[i] ?? this.addBlock();
    if (painted.block === block) return;
    painted.block = block;
    const html = renderTokens(block.tokens);
    if (painted.html === html) return;
    painted.html = html;
    const fragment = sanitise(html);
    fragment.querySelectorAll("pre").forEach(frameCode);
    fragment.querySelectorAll("table").forEach(frameTable);
    morphChildren(painted.element, fragment);
  }

  private addBlock(): Painted {
    const element = document.createElement("div");
    element.className = "block";
    this.root.append(element);
    const painted = { element, block: undefined, html: "" };
    this.painted.push(painted);
    return painted;
  }
}

/** Gives a code block its head line: the language and a button that copies (see copy_code.ts). */
function frameCode(pre: HTMLElement): void {
  const code = pre.querySelector("code");
  const language = /language-(\S+)/.exec(code?.className ?? "")?.[1] ?? "";
  const frame = element("div", "code");
  const head = element("div", "code-head");
  const name = element("span", "code-language");
  name.textContent = language === "" ? "text" : language;
  const button = element("button", "code-copy");
  button.setAttribute("type", "button");
  button.textContent = "Copy";
  head.append(name, button);
  pre.replaceWith(frame);
  pre.tabIndex = 0;
  pre.setAttribute("role", "region");
  pre.setAttribute("aria-label", language === "" ? "Code" : `Code in ${language}`);
  frame.append(head, pre);
}

/** A wide table scrolls in its own frame instead of widening the page. */
function frameTable(table: HTMLElement): void {
  const frame = element("div", "table");
  table.replaceWith(frame);
  frame.append(table);
}

function element(tag: string, className: string): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}
