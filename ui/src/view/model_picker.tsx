import type { JSX } from "preact";
import { usePage } from "../page";
import { ChevronIcon } from "./icons";

/** A plain text where there is nothing to choose; otherwise the browser's own list. */
export function ModelPicker(): JSX.Element {
  const { connection, conversations } = usePage();
  const setup = conversations.setup.value;
  const models = connection.models.value;
  if (models.length === 0) {
    const text = connection.state.value === "ready" ? "No model to talk to" : "Quern";
    return <span class="model-name">{text}</span>;
  }
  const model = connection.effectiveModel(setup.model);
  if (models.length === 1) return <span class="model-name">{model}</span>;
  return (
    <span class="model-picker">
      <select
        aria-label="Model"
        value={model}
        onChange={(event) => conversations.configure({ ...setup, model: event.currentTarget.value })}
      >
        {models.map(({ id }) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
      <ChevronIcon />
    </span>
  );
}
