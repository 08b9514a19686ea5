import { render } from "preact";
import type { JSX } from "preact";
import { Door, takeToken } from "./api";
import { formatCount } from "./figures";
import { InsightView } from "./insight_view";
import { StagesView } from "./stages_view";
import { PipeState } from "./state";

function Page({ state }: { state: PipeState }): JSX.Element {
  const ailing = state.stages.value.filter((stage) => stage.ailment).length;
  const healthy = ailing === 0 && !state.problem.value;
  return (
    <main>
      <header>
        <h1>Quern <span class="soft">log pipeline</span></h1>
        <p class={healthy ? "health" : "health bad"} role="status">
          {state.problem.value ? "cannot be asked" : ailing > 0 ? (ailing === 1 ? "1 stage does not work" : `${ailing} stages do not work`) : "all works"}
        </p>
      </header>
      {state.problem.value && <p class="problem" role="alert">{state.problem.value}</p>}
      <StagesView state={state} />
      {state.unrouted.value > 0 && (
        <p class="problem">{formatCount(state.unrouted.value)} records had a tag that no output wants.</p>
      )}
      {state.insights.value.map((snapshot) => (
        <InsightView key={snapshot.stage} snapshot={snapshot} state={state} />
      ))}
    </main>
  );
}

const root = document.getElementById("app");
if (!root) throw new Error("pipe.html has no #app");
const token = takeToken();
if (token === "") {
  render(
    <main>
      <h1>Quern <span class="soft">log pipeline</span></h1>
      <p class="problem" role="alert">This page needs the pipeline's token. Open it with: quern pipe ui FILE.toml</p>
    </main>,
    root,
  );
} else {
  const state = new PipeState(new Door(token));
  render(<Page state={state} />, root);
  state.follow();
}
