// Search that forgives case and accents, and shows where the words were found.

export interface Snippet {
  readonly before: string;
  readonly match: string;
  readonly after: string;
}

const kBefore = 32;
const kAfter = 90;

/** Folds a text for comparison. The result has one UTF-16 unit for each of the original's. */
export function fold(text: string): string {
  let folded = "";
  for (const unit of text.split("")) {
    const plain = unit.normalize("NFD").charAt(0).toLowerCase();
    folded += plain.length === 1 ? plain : unit;
  }
  return folded;
}

export function searchWords(query: string): string[] {
  return fold(query).split(/\s+/).filter((word) => word !== "");
}

/** All words must occur; the snippet shows the first one asked for. */
export function findWords(text: string, words: readonly string[]): Snippet | undefined {
  const first = words[0];
  if (first === undefined) return undefined;
  const folded = fold(text);
  if (!words.every((word) => folded.includes(word))) return undefined;
  const at = folded.indexOf(first);
  const end = at + first.length;
  const from = at <= kBefore ? 0 : wordStart(text, at - kBefore);
  return {
    before: (from > 0 ? "…" : "") + oneLine(text.slice(from, at)),
    match: oneLine(text.slice(at, end)),
    after: oneLine(text.slice(end, end + kAfter)),
  };
}

function wordStart(text: string, from: number): number {
  const space = text.slice(from, from + kBefore / 2).search(/\s/);
  return space < 0 ? from : from + space + 1;
}

/** Without the marks of markdown, which say nothing in a single line. */
function oneLine(text: string): string {
  return text.replace(/[`*|#>]+|-{2,}:?/g, " ").replace(/\s+/g, " ");
}
