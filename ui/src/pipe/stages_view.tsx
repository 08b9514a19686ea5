import type { JSX } from "preact";
import type { Stage } from "./api";
import { type Rate, formatBytes, formatCount, linePoints, newest } from "./figures";
import type { PipeState } from "./state";

const kGroups = [["input", "Inputs"], ["filter", "Filters"], ["output", "Outputs"]] as const;

function Line({ rate }: { rate: Rate | undefined }): JSX.Element {
  return (
    <svg class="line" viewBox="0 0 120 24" preserveAspectRatio="none" aria-hidden="true">
      <polyline points={linePoints(rate?.perSecond ?? [], 120, 22)} transform="translate(0 1)" />
    </svg>
  );
}

function Count({ label, value, bad }: { label: string; value: string; bad?: boolean }): JSX.Element {
  return (
    <div class={bad ? "count bad" : "count"}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function StageCard({ stage, rate }: { stage: Stage; rate: Rate | undefined }): JSX.Element {
  return (
    <li class={stage.ailment ? "stage ailing" : "stage"}>
      <h3>
        {stage.name} <span class="type">{stage.type}</span>
      </h3>
      <p class="rate">
        <strong>{formatCount(newest(rate))}</strong> records/s
      </p>
      <Line rate={rate} />
      <dl class="counts">
        <Count label="in" value={formatCount(stage.records_in)} />
        <Count label="out" value={formatCount(stage.records_out)} />
        {stage.dropped > 0 && <Count label="dropped" value={formatCount(stage.dropped)} />}
        {stage.faults > 0 && <Count label="faults" value={formatCount(stage.faults)} bad />}
        {stage.dead > 0 && <Count label="dead letters" value={formatCount(stage.dead)} bad />}
        {stage.kind === "output" && <Count label="buffer" value={formatBytes(stage.buffer_bytes)} />}
      </dl>
      {stage.ailment && <p class="ailment">{stage.ailment}</p>}
    </li>
  );
}

export function StagesView({ state }: { state: PipeState }): JSX.Element {
  return (
    <section class="stages" aria-label="Stages">
      {kGroups.map(([kind, title]) => {
        const stages = state.stages.value.filter((stage) => stage.kind === kind);
        return stages.length === 0 ? null : (
          <div key={kind}>
            <h2>{title}</h2>
            <ul>
              {stages.map((stage) => (
                <StageCard key={stage.name} stage={stage} rate={state.rates.value.get(stage.name)} />
              ))}
            </ul>
          </div>
        );
      })}
    </section>
  );
}
