import type { JSX } from "preact";
import { usePage } from "../page";
import { Logo } from "./parts";

interface Starter {
  readonly title: string;
  readonly text: string;
}

const kStarters: readonly Starter[] = [
  { title: "Explain something", text: "Why is the sky blue, and why are sunsets red?" },
  { title: "Write a few lines", text: "Write a short thank-you note to a neighbour who watered my plants." },
  { title: "Help with code", text: "Write a Python function that counts the words in a file." },
  { title: "Make a plan", text: "Plan a simple dinner for two with rice, eggs and spinach." },
];

export function EmptyState(): JSX.Element {
  const { answers } = usePage();
  return (
    <section class="empty-state" aria-labelledby="greeting">
      <Logo size="large" />
      <h1 id="greeting">What is on your mind?</h1>
      <Whereabouts />
      <ul class="starters" aria-label="Questions to start with">
        {kStarters.map(({ title, text }) => (
          <li key={title}>
            <button type="button" class="starter" onClick={() => answers.ask(text)}>
              <strong>{title}</strong>
              <span>{text}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Says which model answers and where it runs. */
function Whereabouts(): JSX.Element {
  const { connection, conversations } = usePage();
  const state = connection.state.value;
  if (state === "starting") return <p class="whereabouts">Looking for the model…</p>;
  if (state === "locked") return <p class="whereabouts">This server asks for an API key.</p>;
  if (state !== "ready") return <p class="whereabouts">The server does not answer yet.</p>;
  const model = connection.effectiveModel(conversations.setup.value.model);
  if (model === "") return <p class="whereabouts">The server is there, but it has no model.</p>;
  return (
    <p class="whereabouts">
      <b>{model}</b> {isThisMachine() ? "runs here, on this machine." : `runs on ${location.hostname}.`}
      <br />
      What you write goes {isThisMachine() ? "nowhere else." : "there and nowhere else."}
    </p>
  );
}

function isThisMachine(): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(location.hostname);
}
