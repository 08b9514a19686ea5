import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { usePage } from "../page";
import { AnswerView } from "./answer_view";
import { DownIcon } from "./icons";
import { IconButton } from "./parts";
import { QuestionView } from "./question_view";

/** Closer to the end than this, the reader follows the answer. */
const kFollowPx = 60;

export function Thread(): JSX.Element {
  const { conversations } = usePage();
  const path = conversations.path.value;
  const { scroller, content, following, toEnd } = useFollowing(path.at(-1)?.id ?? "");
  return (
    <div class="thread-frame">
      <div class="thread" ref={scroller} tabIndex={-1}>
        <div class="thread-content" ref={content} role="log" aria-live="off" aria-label="Conversation">
          {path.map((message) =>
            message.role === "user" ? (
              <QuestionView key={message.id} message={message} />
            ) : (
              <AnswerView key={message.id} message={message} isLast={message === path.at(-1)} />
            ),
          )}
        </div>
      </div>
      {!following && (
        <IconButton class="to-end" icon={DownIcon} label="Go to the latest" onClick={toEnd} />
      )}
    </div>
  );
}

/** Keeps the end in view while it grows, until the reader scrolls away from it. */
function useFollowing(lastId: string) {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const follow = useRef(true);
  const [following, setFollowing] = useState(true);

  const set = (value: boolean): void => {
    follow.current = value;
    setFollowing(value);
  };
  const toEnd = (): void => {
    set(true);
    scrollToEnd(scroller.current);
  };

  // A new question or another version: the reader wants to see its end.
  useEffect(toEnd, [lastId]);

  useEffect(() => {
    const element = scroller.current;
    const inner = content.current;
    if (!element || !inner) return undefined;
    let lastTop = element.scrollTop;
    const onScroll = (): void => {
      const distance = element.scrollHeight - element.scrollTop - element.clientHeight;
      // Growth of the content moves the end away too; only moving up is the reader's own wish.
      if (distance <= kFollowPx) set(true);
      else if (element.scrollTop < lastTop - 1) set(false);
      lastTop = element.scrollTop;
    };
    const observer = new ResizeObserver(() => {
      if (follow.current) scrollToEnd(element);
    });
    observer.observe(inner);
    observer.observe(element);
    element.addEventListener("scroll", onScroll, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", onScroll);
    };
  }, []);

  return { scroller, content, following, toEnd };
}

function scrollToEnd(element: HTMLElement | null): void {
  if (element) element.scrollTop = element.scrollHeight;
}
