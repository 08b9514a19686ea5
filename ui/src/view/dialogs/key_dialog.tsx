import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { usePage } from "../../page";
import { Dialog, Field } from "../parts";

export function KeyDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const { preferences, connection } = usePage();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const refused = connection.state.value === "locked" && preferences.apiKey.value !== "";
  const save = (event: Event): void => {
    event.preventDefault();
    const key = input.current?.value.trim() ?? "";
    if (key === preferences.apiKey.value) void connection.refresh();
    else preferences.apiKey.value = key;
    onClose();
  };
  return (
    <Dialog title="API key" onClose={onClose} class="small">
      <form class="dialog-body" onSubmit={save}>
        <p>This server answers only those who know its key.</p>
        <Field
          label="Key"
          hint="Kept in this browser and sent to this server only."
          problem={refused ? "The server did not accept this key." : undefined}
        >
          {(ids) => (
            <input
              {...ids}
              ref={input}
              type="password"
              autocomplete="off"
              spellcheck={false}
              defaultValue={preferences.apiKey.value}
            />
          )}
        </Field>
        <div class="dialog-buttons">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button primary">
            Use this key
          </button>
        </div>
      </form>
    </Dialog>
  );
}
