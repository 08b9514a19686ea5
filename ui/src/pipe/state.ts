// What the page knows: asked of the pipeline every second, while somebody looks.

import { signal } from "@preact/signals";
import { Door, type Snapshot, type Stage } from "./api";
import { type Rate, addCount } from "./figures";

const kEveryMs = 1000;

export class PipeState {
  readonly stages = signal<Stage[]>([]);
  readonly unrouted = signal(0);
  readonly rates = signal<ReadonlyMap<string, Rate>>(new Map());
  readonly insights = signal<Snapshot[]>([]);
  /** Why the newest look failed; "" when it did not. */
  readonly problem = signal("");

  private looked = 0;

  constructor(private readonly door: Door) {}

  /** Looks now and again and again; the answer stops that. */
  follow(): () => void {
    let timer = 0;
    const turn = async (): Promise<void> => {
      if (!document.hidden) await this.look();
      timer = window.setTimeout(() => void turn(), kEveryMs);
    };
    void turn();
    return () => window.clearTimeout(timer);
  }

  async look(): Promise<void> {
    try {
      const answer = await this.door.call<{ stages: Stage[]; unrouted: number }>("/api/stages");
      const now = performance.now();
      const seconds = (now - this.looked) / 1000;
      this.looked = now;
      const before = this.rates.peek();
      this.rates.value = new Map(answer.stages.map((s) => [s.name, addCount(before.get(s.name), s.records_in, seconds)]));
      this.stages.value = answer.stages;
      this.unrouted.value = answer.unrouted;
      const judging = answer.stages.filter((s) => s.type === "insight");
      this.insights.value = await Promise.all(
        judging.map((s) => this.door.call<Snapshot>(`/api/stages/${encodeURIComponent(s.name)}/snapshot`)));
      this.problem.value = "";
    } catch (error) {
      this.problem.value = error instanceof Error ? error.message : String(error);
    }
  }

  /** A person's word: approve or deny an action, or set a verdict right. */
  async tell(stage: string, what: string, body?: unknown): Promise<void> {
    try {
      await this.door.call(`/api/stages/${encodeURIComponent(stage)}/${what}`, "POST", body);
      await this.look();
    } catch (error) {
      this.problem.value = error instanceof Error ? error.message : String(error);
    }
  }
}
