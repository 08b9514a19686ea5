import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { usePage } from "../page";
import { fitHeight } from "./fit_height";
import { focusComposer, hasTouchKeyboard, kComposerId } from "./focus";
import { SendIcon, StopIcon } from "./icons";
import { isNarrow } from "./keys";

export function Composer(): JSX.Element {
  const { answers, conversations } = usePage();
  const id = conversations.current.value?.id ?? "";
  const running = answers.running.value.has(id);
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useDraft(id);
  const empty = text.trim() === "";

  useEffect(() => fitHeight(area.current), [text]);
  useEffect(focusComposer, [id]);

  const send = (): void => {
    if (empty || running) return;
    setText("");
    answers.ask(text.trim());
    area.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    // On a touch keyboard Enter is the only way to begin a line.
    const sends = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (!sends || hasTouchKeyboard()) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="composer-box">
        <textarea
          id={kComposerId}
          ref={area}
          rows={1}
          aria-label="Message"
          placeholder={isNarrow() ? "Ask anything" : "Ask anything. Shift + Enter for a new line"}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        {running ? (
          <button
            type="button"
            class="send"
            aria-label="Stop"
            title="Stop (Esc)"
            onClick={() => answers.stop(id)}
          >
            <StopIcon />
          </button>
        ) : (
          <button type="submit" class="send" aria-label="Send" title="Send (Enter)" disabled={empty}>
            <SendIcon />
          </button>
        )}
      </div>
      <p class="composer-note">Answers can be wrong. Check what matters.</p>
    </form>
  );
}

/** What is typed stays with its conversation when another one is opened. */
function useDraft(id: string): [string, (text: string) => void] {
  const { drafts } = usePage();
  const [, redraw] = useState(0);
  const setText = (text: string): void => {
    if (text === "") drafts.delete(id);
    else drafts.set(id, text);
    redraw((n) => n + 1);
  };
  return [drafts.get(id) ?? "", setText];
}
