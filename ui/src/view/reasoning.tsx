import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ChevronIcon } from "./icons";
import { Markdown } from "./markdown_view";

/** What the model said to itself, folded away. */
export function Reasoning({ text, thinking }: { text: string; thinking: boolean }): JSX.Element | null {
  const [open, setOpen] = useState(false);
  if (text === "") return null;
  return (
    <section class="reasoning">
      <button
        type="button"
        class="reasoning-head"
        aria-expanded={open}
        data-thinking={thinking}
        onClick={() => setOpen(!open)}
      >
        <span>{thinking ? "Thinking…" : "What the model thought"}</span>
        <ChevronIcon />
      </button>
      {open && (
        <div class="reasoning-text">
          <Markdown text={text} live={thinking} />
        </div>
      )}
    </section>
  );
}
