import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { usePage } from "../../page";
import { Dialog, Field } from "../parts";

export function KeyDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const { preferences, connection } = usePage();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const [refused, setRefused] = useState(false);
  const save = async (event: Event): Promise<void> => {
    event.preventDefault();
    preferences.apiKey.value = input.current?.value.trim() ?? "";
    await connection.refresh();
    if (connection.state.value === "locked") {
      setRefused(true);
      input.current?.select();
    } else {
      onClose();
    }
  };
  return (
    <Dialog title="API key" onClose={onClose} class="small">
      <form class="dialog-body" onSubmit={(event) => void save(event)}>
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
