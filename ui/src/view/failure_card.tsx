import type { JSX } from "preact";
import { explain } from "../api/failures";
import type { Failure, Message } from "../model/types";
import { usePage } from "../page";
import { startNewChat } from "./keys";

/** Says in plain words what went wrong, and offers what helps. */
export function FailureCard({ message, failure }: { message: Message; failure: Failure }): JSX.Element {
  const page = usePage();
  const { answers } = page;
  const { title, advice } = explain(failure);
  const busy = answers.running.value.has(message.conversation);
  return (
    <div class="failure">
      <p class="failure-title">{title}</p>
      {advice !== "" && <p>{advice}</p>}
      {failure.detail !== "" && <p class="failure-detail">“{failure.detail}”</p>}
      <div class="failure-buttons">
        {failure.kind === "unauthorized" && (
          <button type="button" class="button" onClick={() => (page.dialog.value = "key")}>
            Enter the key
          </button>
        )}
        {failure.kind === "context_full" && (
          <button type="button" class="button" onClick={() => startNewChat(page)}>
            New chat
          </button>
        )}
        {message.text !== "" && (
          <button type="button" class="button" disabled={busy} onClick={() => answers.goOn(message)}>
            Go on from here
          </button>
        )}
        <button
          type="button"
          class="button"
          disabled={busy}
          onClick={() => answers.answerAgain(message)}
        >
          Try again
        </button>
      </div>
    </div>
  );
}
