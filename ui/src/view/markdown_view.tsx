import type { JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { copyCodeOf } from "../text/copy";
import { Painter } from "../text/painter";

/** After a paint that took long, the next one waits this many times as long: input comes first. */
const kRestFactor = 3;
const kFrameMs = 8;

/** Preact owns the element, the painter its children. */
export function Markdown({ text, live }: { text: string; live: boolean }): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  const pace = useRef<Pace>(undefined);

  useLayoutEffect(() => {
    if (!root.current) return;
    pace.current ??= new Pace(new Painter(root.current));
    pace.current.paint(text, live);
  }, [text, live]);
  useLayoutEffect(() => () => pace.current?.cancel(), []);

  return (
    <div ref={root} class="prose" data-live={live} onClick={(event) => void copyCodeOf(event)} />
  );
}

/** Spaces out the paints of a growing text, so that a huge block cannot freeze the page. */
class Pace {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private text = "";
  private notBefore = 0;

  constructor(private readonly painter: Painter) {}

  paint(text: string, live: boolean): void {
    this.text = text;
    if (!live) {
      this.cancel();
      this.painter.paint(text, "whole");
      return;
    }
    if (this.timer !== undefined) return;
    const wait = this.notBefore - performance.now();
    if (wait <= 0) this.paintNow();
    else this.timer = setTimeout(() => this.paintNow(), wait);
  }

  cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private paintNow(): void {
    this.timer = undefined;
    const start = performance.now();
    this.painter.paint(this.text, "growing");
    const end = performance.now();
    this.notBefore = end - start > kFrameMs ? end + (end - start) * kRestFactor : 0;
  }
}
