import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { groupByAge } from "../model/groups";
import type { Conversation } from "../model/types";
import { usePage } from "../page";
import { EditIcon, TrashIcon } from "./icons";
import { IconButton } from "./parts";

export function ConversationList(): JSX.Element {
  const { conversations } = usePage();
  const [renaming, setRenaming] = useState<string | null>(null);
  const groups = groupByAge(conversations.all.value, new Date());
  return (
    <div class="conversations">
      {groups.length === 0 && <p class="no-conversations">Your chats will be listed here.</p>}
      {groups.map(({ label, members }) => (
        <section key={label} aria-label={label}>
          <h2>{label}</h2>
          <ul>
            {members.map((conversation) => (
              <li key={conversation.id}>
                {renaming === conversation.id ? (
                  <NameEditor conversation={conversation} onDone={() => setRenaming(null)} />
                ) : (
                  <Entry conversation={conversation} onRename={() => setRenaming(conversation.id)} />
                )}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

interface EntryProps {
  conversation: Conversation;
  onRename: () => void;
}

function Entry({ conversation, onRename }: EntryProps): JSX.Element {
  const page = usePage();
  const { id, title } = conversation;
  const shown = page.conversations.current.value?.id === id;
  const running = page.answers.running.value.has(id);
  return (
    <div class="entry" data-shown={shown}>
      <a
        href={`#/c/${id}`}
        title={title}
        {...(shown ? { "aria-current": "page" as const } : {})}
        onClick={() => (page.drawer.value = false)}
      >
        {title}
        {running && <span class="running" role="img" aria-label="The answer is coming" />}
      </a>
      <span class="entry-buttons">
        <IconButton icon={EditIcon} label={`Rename ${title}`} onClick={onRename} />
        <IconButton icon={TrashIcon} label={`Delete ${title}`} onClick={() => void remove()} />
      </span>
    </div>
  );

  async function remove(): Promise<void> {
    page.answers.stop(id);
    const bringBack = await page.conversations.remove(id);
    if (!bringBack) return;
    page.notices.tell(`Deleted “${title}”.`, { label: "Undo", run: () => void bringBack() });
  }
}

function NameEditor({ conversation, onDone }: { conversation: Conversation; onDone: () => void }) {
  const { conversations } = usePage();
  const input = useRef<HTMLInputElement>(null);
  const cancelled = useRef(false);
  useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);
  const finish = (): void => {
    if (!cancelled.current) conversations.rename(conversation.id, input.current?.value ?? "");
    onDone();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    event.stopPropagation();
    cancelled.current = event.key === "Escape";
    input.current?.blur();
  };
  return (
    <input
      ref={input}
      class="name-editor"
      aria-label="Name of the chat"
      defaultValue={conversation.title}
      maxLength={200}
      onKeyDown={onKeyDown}
      onBlur={finish}
    />
  );
}
