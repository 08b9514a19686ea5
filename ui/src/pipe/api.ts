// The door of the pipeline that serves this page (docs/formats/pipeline-api.md, insight.md).

export interface Stage {
  kind: "input" | "filter" | "output";
  name: string;
  type: string;
  records_in: number;
  bytes_in: number;
  records_out: number;
  bytes_out: number;
  dropped: number;
  faults: number;
  dead: number;
  dead_letters_bytes: number;
  buffer_bytes: number;
  ailment: string;
}

export interface Verdict {
  anomaly: boolean;
  class: string;
  severity: string;
  confidence: number;
  reason: string;
  action: string;
}

export interface Template {
  id: number;
  text: string;
  count: number;
  windows: number[];
  verdict: Verdict | null;
}

export interface Anomaly {
  time: number;
  template: number;
  line: string;
  why: string;
  verdict: Verdict | null;
}

export interface Approval {
  number: number;
  action: string;
  template: number;
  text: string;
  since: number;
  verdict: Verdict;
}

export interface Snapshot {
  stage: string;
  window_ms: number;
  templates: Template[];
  anomalies: Anomaly[];
  approvals: Approval[];
  model: { calls: number; failures: number; waiting: number; tokens_today: number; tokens_per_day: number; lines: number };
  bytes: { in: number; out: number };
}

const kToken = "quern.pipe.token";

/** The token stands behind "#" once; after that it is the tab's. */
export function takeToken(): string {
  const given = location.hash.slice(1);
  if (/^[0-9a-f]{64}$/.test(given)) {
    sessionStorage.setItem(kToken, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(kToken) ?? "";
}

export class Door {
  constructor(private readonly token: string) {}

  /** An Error says what the pipeline said. */
  async call<Answer>(path: string, method = "GET", body?: unknown): Promise<Answer> {
    const request: RequestInit = { method, headers: { authorization: `Bearer ${this.token}` } };
    if (body !== undefined) request.body = JSON.stringify(body);
    const response = await fetch(path, request);
    const answer: unknown = await response.json().catch(() => ({}));
    if (response.ok) return answer as Answer;
    const told = (answer as { error?: unknown }).error;
    throw new Error(typeof told === "string" ? told : `the pipeline answered ${response.status}`);
  }
}
