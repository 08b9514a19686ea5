import type { JSX } from "preact";
import type { Message } from "../model/types";
import { usePage } from "../page";
import type { LiveAnswer } from "../store/live_answer";
import { CopyButton } from "./copy_button";
import { FailureCard } from "./failure_card";
import { AgainIcon, GoOnIcon } from "./icons";
import { Markdown } from "./markdown_view";
import { MeasuresLine } from "./measures_line";
import { IconButton } from "./parts";
import { Reasoning } from "./reasoning";
import { Versions } from "./versions";

export function AnswerView({ message, isLast }: { message: Message; isLast: boolean }): JSX.Element {
  const { answers } = usePage();
  const running = answers.running.value.get(message.conversation);
  const live = running?.id === message.id ? running : undefined;
  return (
    <article class={isLast ? "message answer last" : "message answer"} aria-busy={live !== undefined}>
      <h2 class="sr-only">Answer{message.model ? ` of ${message.model}` : ""}</h2>
      {live ? <LiveBody live={live} /> : <Body message={message} />}
      {!live && <Ending message={message} isLast={isLast} busy={running !== undefined} />}
    </article>
  );
}

/** Only this part is drawn anew while the answer comes. */
function LiveBody({ live }: { live: LiveAnswer }): JSX.Element {
  const phase = live.phase.value;
  const text = live.text.value;
  return (
    <>
      <Reasoning text={live.reasoning.value} thinking={phase === "thinking"} />
      <Markdown text={text} live />
      {phase === "waiting" && <Waiting />}
    </>
  );
}

function Body({ message }: { message: Message }): JSX.Element {
  return (
    <>
      <Reasoning text={message.reasoning ?? ""} thinking={false} />
      <Markdown text={message.text} live={false} />
    </>
  );
}

function Waiting(): JSX.Element {
  return (
    <p class="waiting">
      <span class="grain" />
      <span class="grain" />
      <span class="grain" />
      <span class="sr-only">The model reads your message.</span>
    </p>
  );
}

interface EndingProps {
  message: Message;
  isLast: boolean;
  busy: boolean;
}

/** What follows a finished answer: how it ended, what can be done with it, what it cost. */
function Ending({ message, isLast, busy }: EndingProps): JSX.Element {
  const { answers } = usePage();
  const cut = whyCut(message);
  return (
    <>
      {message.failure && <FailureCard message={message} failure={message.failure} />}
      {cut && <p class="cut">{cut}</p>}
      <div class="actions">
        <Versions message={message} />
        {message.text !== "" && <CopyButton text={message.text} label="Copy answer" />}
        {!message.failure && (
          <IconButton
            icon={AgainIcon}
            label="Answer again"
            disabled={busy}
            onClick={() => answers.answerAgain(message)}
          />
        )}
        {isLast && cut && message.text !== "" && (
          <IconButton
            icon={GoOnIcon}
            label="Go on from here"
            disabled={busy}
            onClick={() => answers.goOn(message)}
          />
        )}
        {message.measures && <MeasuresLine measures={message.measures} model={message.model} />}
      </div>
    </>
  );
}

function whyCut({ state, finish, text, failure }: Message): string | undefined {
  if (failure) return undefined;
  if (state === "stopped") return text === "" ? "Stopped before anything came." : "Stopped.";
  if (state === "streaming") return "The page was closed before the answer was complete.";
  if (finish === "length") return "Cut off: the longest answer or the model's memory was reached.";
  if (text === "" && state === "done") return "The model answered with nothing.";
  return undefined;
}
