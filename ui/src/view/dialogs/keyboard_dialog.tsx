import type { JSX } from "preact";
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
  const isMac = navigator.platform.startsWith("Mac");
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <dl class="shortcuts">
        {kShortcuts.map(([what, keys]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{isMac && key === "Ctrl" ? "⌘" : key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
