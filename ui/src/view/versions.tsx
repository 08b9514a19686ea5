import type { JSX } from "preact";
import { versionsOf } from "../model/tree";
import type { Message } from "../model/types";
import { usePage } from "../page";
import { LeftIcon, RightIcon } from "./icons";
import { IconButton } from "./parts";

/** ‹ 2/3 › : nothing where there is only one version. */
export function Versions({ message }: { message: Message }): JSX.Element | null {
  const { conversations, answers } = usePage();
  const { ids, index } = versionsOf(conversations.tree.value, message.id);
  if (ids.length < 2) return null;
  const busy = answers.running.value.has(message.conversation);
  const choose = (i: number): void => {
    const id = ids[i];
    if (id !== undefined) conversations.choose(id);
  };
  const what = message.role === "user" ? "question" : "answer";
  return (
    <span class="versions" role="group" aria-label={`Versions of this ${what}`}>
      <IconButton
        icon={LeftIcon}
        label={`Earlier ${what}`}
        disabled={busy || index === 0}
        onClick={() => choose(index - 1)}
      />
      <span class="version-count" aria-label={`Version ${index + 1} of ${ids.length}`}>
        {index + 1}/{ids.length}
      </span>
      <IconButton
        icon={RightIcon}
        label={`Later ${what}`}
        disabled={busy || index === ids.length - 1}
        onClick={() => choose(index + 1)}
      />
    </span>
  );
}
