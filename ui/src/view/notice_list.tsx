import type { JSX } from "preact";
import { usePage } from "../page";
import { CloseIcon } from "./icons";
import { IconButton } from "./parts";

/** Notices on screen, and the one place through which the page speaks to screen readers. */
export function NoticeList(): JSX.Element {
  const { notices } = usePage();
  return (
    <>
      <div class="sr-only" role="status" aria-live="polite">
        {notices.spoken.value}
      </div>
      <div class="notices" role="region" aria-label="Notices" aria-live="polite">
        {notices.shown.value.map(({ id, text, tone, action }) => (
          <div key={id} class={`notice ${tone}`}>
            <span>{text}</span>
            {action && (
              <button
                type="button"
                class="text-button"
                onClick={() => {
                  notices.dismiss(id);
                  action.run();
                }}
              >
                {action.label}
              </button>
            )}
            <IconButton icon={CloseIcon} label="Dismiss" onClick={() => notices.dismiss(id)} />
          </div>
        ))}
      </div>
    </>
  );
}
