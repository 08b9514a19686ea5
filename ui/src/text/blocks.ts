// Splits growing markdown into blocks, so that a streamed answer is parsed and painted only at its
// end. What lies far enough above the end is settled: later text cannot change what it means.
//
// "Far enough" is two blocks: the text "1. a\n\n2" is a list and a paragraph until the next
// character makes it one list. Link definitions reach further; the last, whole pass sees to them.

import type { Token } from "marked";
import { lex } from "./markdown";

export interface Block {
  readonly raw: string;
  readonly tokens: Token[];
}

const kUnsettled = 2;

export class BlockSplitter {
  private settled: Block[] = [];
  private settledText = "";

  /** The blocks of `text`, which usually is the last text and some more. Settled ones keep identity. */
  grow(text: string): Block[] {
    const source = normalise(text);
    if (!source.startsWith(this.settledText)) {
      this.settled = [];
      this.settledText = "";
    }
    const tail = splitBlocks(source.slice(this.settledText.length));
    const settling = tail.slice(0, -kUnsettled);
    this.settled = this.settled.concat(settling);
    this.settledText += settling.map((block) => block.raw).join("");
    return this.settled.concat(tail.slice(settling.length));
  }
}

/** All blocks of a text that is complete. */
export function wholeBlocks(text: string): Block[] {
  return splitBlocks(normalise(text));
}

function splitBlocks(source: string): Block[] {
  const blocks: Block[] = [];
  for (const token of lex(source)) {
    const last = blocks.at(-1);
    if (token.type === "space" && last) {
      blocks[blocks.length - 1] = { raw: last.raw + token.raw, tokens: last.tokens };
    } else {
      blocks.push({ raw: token.raw, tokens: [token] });
    }
  }
  const covered = blocks.reduce((sum, block) => sum + block.raw.length, 0);
  // Should the lexer ever lose a character, offsets would lie: then all of it is one block.
  if (covered !== source.length) return [{ raw: source, tokens: lex(source) }];
  return blocks;
}

function normalise(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}
