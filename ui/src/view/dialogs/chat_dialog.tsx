import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { type Knob, kKnobs, knobValue, linesToStops, stopsToLines } from "../../model/sampling";
import type { Sampling, Setup } from "../../model/types";
import { usePage } from "../../page";
import { Dialog, Field } from "../parts";

/** System prompt and sampling of the chat on screen. Every change counts at once. */
export function ChatDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const { conversations, preferences, notices } = usePage();
  const setup = conversations.setup.value;
  const change = (part: Partial<Setup>): void => conversations.configure({ ...setup, ...part });
  const [round, setRound] = useState(0);
  return (
    <Dialog title="Settings of this chat" onClose={onClose}>
      <div class="dialog-body" key={round}>
        <Field label="System prompt" hint="Said to the model before everything else.">
          {(ids) => (
            <textarea
              {...ids}
              rows={4}
              placeholder="For example: You are a patient teacher. Answer briefly."
              defaultValue={setup.system}
              onInput={(event) => change({ system: event.currentTarget.value })}
            />
          )}
        </Field>
        <h3>How words are chosen</h3>
        <p class="hint">An empty field leaves the choice to the server.</p>
        <div class="knobs">
          {kKnobs.map((knob) => (
            <KnobField
              key={knob.name}
              knob={knob}
              sampling={setup.sampling}
              onChange={(sampling) => change({ sampling })}
            />
          ))}
        </div>
        <Field label="Stop texts" hint="One on each line; the answer ends before one would appear. \n is a line end.">
          {(ids) => (
            <textarea
              {...ids}
              rows={2}
              defaultValue={stopsToLines(setup.sampling.stop)}
              onInput={(event) => change({ sampling: withStops(setup.sampling, event.currentTarget.value) })}
            />
          )}
        </Field>
        <div class="dialog-buttons">
          <button
            type="button"
            class="button"
            onClick={() => {
              change({ system: "", sampling: {} });
              setRound(round + 1);
            }}
          >
            Clear all
          </button>
          <button
            type="button"
            class="button"
            onClick={() => {
              preferences.setup.value = setup;
              notices.tell("New chats will start with these settings.");
            }}
          >
            Use for new chats
          </button>
          <button type="button" class="button primary" onClick={onClose}>
            Done
          </button>
        </div>
      </div>
    </Dialog>
  );
}

interface KnobFieldProps {
  knob: Knob;
  sampling: Sampling;
  onChange: (sampling: Sampling) => void;
}

function KnobField({ knob, sampling, onChange }: KnobFieldProps): JSX.Element {
  const [invalid, setInvalid] = useState(false);
  const onInput = ({ value, validity }: HTMLInputElement): void => {
    const number = value === "" ? undefined : knobValue(knob, Number(value));
    setInvalid(validity.badInput || (value !== "" && number === undefined));
    const { [knob.name]: _, ...others } = sampling;
    onChange(number === undefined ? others : { ...others, [knob.name]: number });
  };
  const range = `Between ${knob.min} and ${knob.max.toLocaleString("en")}.`;
  return (
    <Field label={knob.label} hint={knob.hint} problem={invalid ? range : undefined}>
      {(ids) => (
        <input
          {...ids}
          type="number"
          inputMode="decimal"
          min={knob.min}
          max={knob.max}
          step={knob.step}
          placeholder="server's choice"
          aria-invalid={invalid}
          defaultValue={sampling[knob.name] ?? ""}
          onInput={(event) => onInput(event.currentTarget)}
        />
      )}
    </Field>
  );
}

function withStops(sampling: Sampling, lines: string): Sampling {
  const { stop: _, ...others } = sampling;
  const stop = linesToStops(lines);
  return stop.length > 0 ? { ...others, stop } : others;
}
