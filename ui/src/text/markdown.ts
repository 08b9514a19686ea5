// Markdown to HTML that still has to be sanitised (sanitise.ts): this is the first of two walls.
//
// Raw HTML in a model's answer is shown as the text it is, except a handful of harmless inline tags
// without attributes. Pictures become links, so that nothing is fetched that nobody asked for.

import { type Token, type Tokens, Marked } from "marked";
import { escapeHtml, highlight } from "./highlight";

const kInlineTags = new Set(["b", "br", "em", "i", "kbd", "mark", "s", "strong", "sub", "sup", "u"]);

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    html({ text }: Tokens.HTML | Tokens.Tag): string {
      return keepInlineTags(text);
    },
    code({ text, lang }: Tokens.Code): string {
      const language = languageOf(lang);
      const mark = language === "" ? "" : ` class="language-${language}"`;
      return `<pre><code${mark}>${highlight(text, language)}</code></pre>`;
    },
    heading({ tokens, depth }: Tokens.Heading): string {
      // The page's own headings are h1 and h2.
      const level = Math.min(6, depth + 2);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
    },
    image({ href, text }: Tokens.Image): string {
      const label = text === "" ? "Picture" : `Picture: ${text}`;
      return `<a href="${escapeHtml(href)}">${escapeHtml(label)}</a>`;
    },
    checkbox({ checked }: Tokens.Checkbox): string {
      return checked ? "☑ " : "☐ ";
    },
  },
});

export function lex(text: string): Token[] {
  return marked.lexer(text);
}

export function renderTokens(tokens: Token[]): string {
  return marked.parser(tokens);
}

function languageOf(info: string | undefined): string {
  const word = (info ?? "").trim().split(/[\s,{]/, 1)[0] ?? "";
  return /^[a-z0-9+#._-]{1,24}$/i.test(word) ? word.toLowerCase() : "";
}

/** Tags on the list lose their attributes; everything else is escaped. */
function keepInlineTags(html: string): string {
  const pieces = html.split(/(<\/?[a-z]+(?:\s[^<>]*)?\/?>)/i);
  return pieces
    .map((piece, i) => {
      const tag = i % 2 === 1 ? /^<(\/?)([a-z]+)/i.exec(piece) : null;
      const name = tag?.[2]?.toLowerCase() ?? "";
      return kInlineTags.has(name) ? `<${tag?.[1] ?? ""}${name}>` : escapeHtml(piece);
    })
    .join("");
}
