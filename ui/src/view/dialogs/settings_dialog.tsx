import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { usePage } from "../../page";
import { exportToFile, importFromFile } from "../../store/files";
import { CopyButton } from "../copy_button";
import { Dialog, Field } from "../parts";
import { ThemeSwitch } from "../theme_switch";

/** What holds for the page as a whole. */
export function SettingsDialog({ onClose }: { onClose: () => void }): JSX.Element {
  const { preferences } = usePage();
  const address = new URL("v1", document.baseURI).href;
  return (
    <Dialog title="Settings" onClose={onClose}>
      <div class="dialog-body">
        <div class="setting">
          <span>Colours</span>
          <ThemeSwitch />
        </div>
        <h3>Server</h3>
        <div class="setting">
          <span>
            Address for programs
            <code class="address">{address}</code>
          </span>
          <CopyButton text={address} label="Copy address" />
        </div>
        <form onSubmit={(event) => event.preventDefault()}>
        <Field label="API key" hint="Kept in this browser and sent to this server only. Empty: none.">
          {(ids) => (
            <input
              {...ids}
              type="password"
              autocomplete="off"
              spellcheck={false}
              defaultValue={preferences.apiKey.value}
              onChange={(event) => (preferences.apiKey.value = event.currentTarget.value.trim())}
            />
          )}
        </Field>
        </form>
        <h3>Your conversations</h3>
        <Transfer />
        <p class="hint licences">
          <a href="licences.txt" target="_blank" rel="noopener">
            Licences of the libraries in this page
          </a>
        </p>
      </div>
    </Dialog>
  );
}

function Transfer(): JSX.Element {
  const { conversations, notices } = usePage();
  const picker = useRef<HTMLInputElement>(null);
  const all = conversations.all.value;
  const current = conversations.current.value;
  return (
    <>
      <p class="hint">
        They are kept in this browser only. A file carries them to another one, or keeps them safe.
      </p>
      <div class="transfer">
        <button
          type="button"
          class="button"
          disabled={all.length === 0}
          onClick={() => void exportToFile(conversations, notices, all.map(({ id }) => id))}
        >
          Export all ({all.length})
        </button>
        {current && (
          <button
            type="button"
            class="button"
            onClick={() => void exportToFile(conversations, notices, [current.id])}
          >
            Export this one
          </button>
        )}
        <button type="button" class="button" onClick={() => picker.current?.click()}>
          Import…
        </button>
        <input
          ref={picker}
          type="file"
          accept="application/json,.json"
          hidden
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            event.currentTarget.value = "";
            if (file) void importFromFile(conversations, notices, file);
          }}
        />
      </div>
    </>
  );
}
