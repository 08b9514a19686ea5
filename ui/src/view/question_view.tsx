import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Message } from "../model/types";
import { usePage } from "../page";
import { CopyButton } from "./copy_button";
import { focusComposer } from "./focus";
import { EditIcon } from "./icons";
import { fitHeight } from "./fit_height";
import { IconButton } from "./parts";
import { Versions } from "./versions";

export function QuestionView({ message }: { message: Message }): JSX.Element {
  const { answers } = usePage();
  const [editing, setEditing] = useState(false);
  const busy = answers.running.value.has(message.conversation);
  return (
    <article class="message question">
      <h2 class="sr-only">You asked</h2>
      {editing ? (
        <QuestionEditor message={message} onDone={() => setEditing(false)} />
      ) : (
        <>
          <div class="bubble">{message.text}</div>
          <div class="actions">
            <Versions message={message} />
            <CopyButton text={message.text} label="Copy question" />
            <IconButton
              icon={EditIcon}
              label="Edit question"
              disabled={busy}
              onClick={() => setEditing(true)}
            />
          </div>
        </>
      )}
    </article>
  );
}

function QuestionEditor({ message, onDone }: { message: Message; onDone: () => void }): JSX.Element {
  const { answers } = usePage();
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(message.text);
  useEffect(() => {
    const element = area.current;
    element?.focus();
    element?.setSelectionRange(element.value.length, element.value.length);
  }, []);
  useEffect(() => fitHeight(area.current), [text]);
  const send = (): void => {
    if (text.trim() === "") return;
    onDone();
    if (text !== message.text) answers.edit(message, text);
    focusComposer();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === "Escape") onDone();
    else if (event.key === "Enter" && !event.shiftKey) send();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="editor">
      <textarea
        ref={area}
        aria-label="Edit question"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <div class="editor-buttons">
        <button type="button" class="button" onClick={onDone}>
          Cancel
        </button>
        <button type="button" class="button primary" disabled={text.trim() === ""} onClick={send}>
          Ask again
        </button>
      </div>
    </div>
  );
}
