import type { JSX } from "preact";
import type { Anomaly, Approval, Snapshot, Template, Verdict } from "./api";
import { formatBytes, formatCount, formatSaved } from "./figures";
import type { PipeState } from "./state";

type Told = (what: string, body?: unknown) => void;

function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString();
}

function VerdictText({ verdict }: { verdict: Verdict | null }): JSX.Element {
  if (!verdict) return <p class="verdict soft">The gate's word; the model has not been asked.</p>;
  return (
    <p class="verdict">
      <span class={verdict.anomaly ? "badge bad" : "badge"}>{verdict.anomaly ? verdict.severity : "usual"}</span>{" "}
      {verdict.reason} <span class="soft">{verdict.class}, {Math.round(verdict.confidence * 100)} % sure</span>
    </p>
  );
}

function AnomalyItem({ anomaly, tell }: { anomaly: Anomaly; tell: Told }): JSX.Element {
  const usual = (): void =>
    tell(`correct?who=page&template=${anomaly.template}`, {
      ...(anomaly.verdict ?? { class: "other", confidence: 1 }),
      anomaly: false, severity: "info", reason: "a person says that this is usual", action: "none",
    });
  return (
    <li class="item">
      <code>{anomaly.line}</code>
      <p class="soft">
        {clock(anomaly.time)}, template {anomaly.template}: {anomaly.why}
      </p>
      <VerdictText verdict={anomaly.verdict} />
      <button type="button" class="button" onClick={usual}>
        This is usual
      </button>
    </li>
  );
}

function ApprovalItem({ approval, tell }: { approval: Approval; tell: Told }): JSX.Element {
  return (
    <li class="item">
      <p>
        <strong>{approval.action}</strong> for <code>{approval.text}</code>
      </p>
      <VerdictText verdict={approval.verdict} />
      <div class="choices">
        <button type="button" class="button strong" onClick={() => tell(`approve?who=page&number=${approval.number}`)}>
          Approve
        </button>
        <button type="button" class="button" onClick={() => tell(`deny?who=page&number=${approval.number}`)}>
          Deny
        </button>
      </div>
    </li>
  );
}

function Bars({ values }: { values: readonly number[] }): JSX.Element {
  const highest = Math.max(...values, 1);
  return (
    <svg class="bars" viewBox={`0 0 ${Math.max(values.length, 1) * 4} 24`} preserveAspectRatio="none" aria-hidden="true">
      {values.map((value, i) => (
        <rect key={i} x={i * 4} width={3} y={24 - (value / highest) * 24} height={(value / highest) * 24} />
      ))}
    </svg>
  );
}

function TemplateTable({ templates }: { templates: readonly Template[] }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Templates">
      <table>
        <thead>
          <tr>
            <th scope="col">Lines</th>
            <th scope="col">By window</th>
            <th scope="col">Template</th>
          </tr>
        </thead>
        <tbody>
          {templates.map((one) => (
            <tr key={one.id} class={one.verdict?.anomaly ? "bad" : ""}>
              <td class="number">{formatCount(one.count)}</td>
              <td>
                <Bars values={one.windows} />
              </td>
              <td>
                <code>{one.text}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Summary({ snapshot }: { snapshot: Snapshot }): JSX.Element {
  const { bytes, model } = snapshot;
  return (
    <dl class="summary">
      <div>
        <dt>Not shipped</dt>
        <dd>{formatSaved(bytes) || "-"}</dd>
        <dd class="soft">{formatBytes(bytes.in)} in, {formatBytes(bytes.out)} out</dd>
      </div>
      <div>
        <dt>Asked the model</dt>
        <dd>{formatCount(model.calls)}</dd>
        <dd class="soft">for {formatCount(model.lines)} lines; {formatCount(model.waiting)} wait</dd>
      </div>
      <div>
        <dt>Tokens today</dt>
        <dd>{formatCount(model.tokens_today)}</dd>
        <dd class="soft">{model.tokens_per_day > 0 ? `of ${formatCount(model.tokens_per_day)}` : "no bound"}</dd>
      </div>
    </dl>
  );
}

export function InsightView({ snapshot, state }: { snapshot: Snapshot; state: PipeState }): JSX.Element {
  const tell: Told = (what, body) => void state.tell(snapshot.stage, what, body);
  return (
    <section class="insight" aria-label={snapshot.stage}>
      <h2>{snapshot.stage}</h2>
      <Summary snapshot={snapshot} />
      {snapshot.approvals.length > 0 && (
        <>
          <h3>Waiting for your word</h3>
          <ul>{snapshot.approvals.map((one) => <ApprovalItem key={one.number} approval={one} tell={tell} />)}</ul>
        </>
      )}
      <h3>Unusual</h3>
      {snapshot.anomalies.length === 0
        ? <p class="soft">Nothing unusual so far.</p>
        : <ul>{snapshot.anomalies.map((one, i) => <AnomalyItem key={`${one.template}-${one.time}-${i}`} anomaly={one} tell={tell} />)}</ul>}
      <h3>Templates</h3>
      {snapshot.templates.length === 0 ? <p class="soft">No line so far.</p> : <TemplateTable templates={snapshot.templates} />}
    </section>
  );
}
