import type { JSX } from "preact";
import { commandKey } from "../keys";
import { Dialog } from "../parts";

const kShortcuts: readonly [string, readonly string[]][] = [
  ["Send the message", ["Enter"]],
  ["New line", ["Shift", "Enter"]],
  ["Stop the answer", ["Esc"]],
  ["Search conversations", ["Ctrl", "K"]],
  ["New chat", ["Ctrl", "Shift", "O"]],
  ["Show or hide conversations", ["Ctrl", "B"]],
  ["Go to the message field", ["/"]],
  ["This list", ["?"]],
];

export function KeyboardDialog({ onClose }: { onClose: () => void }): JSX.Element {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl class="shortcuts">
        {kShortcuts.map(([what, keys]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key === "Ctrl" ? commandKey() : key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
