// The knobs of sampling: what each is called, what it means and which values the API takes.

import type { Sampling } from "./types";

export type NumberKnob = Exclude<keyof Sampling, "stop">;

export interface Knob {
  readonly name: NumberKnob;
  readonly label: string;
  readonly hint: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

export const kKnobs: readonly Knob[] = [
  { name: "temperature", label: "Temperature", min: 0, max: 2, step: 0.05,
    hint: "0 always takes the likeliest word; higher is livelier." },
  { name: "max_tokens", label: "Longest answer", min: 1, max: 1_000_000, step: 1,
    hint: "In tokens; a token is about three quarters of a word." },
  { name: "top_p", label: "Top p", min: 0.01, max: 1, step: 0.01,
    hint: "Only the likeliest words that together reach this share." },
  { name: "top_k", label: "Top k", min: 0, max: 1000, step: 1,
    hint: "Only so many of the likeliest words; 0 means all." },
  { name: "min_p", label: "Min p", min: 0, max: 1, step: 0.01,
    hint: "Drops words this much less likely than the best one." },
  { name: "repeat_penalty", label: "Repeat penalty", min: 0.1, max: 2, step: 0.05,
    hint: "Above 1 avoids words of the last lines; 1 is off." },
  { name: "presence_penalty", label: "Presence penalty", min: -2, max: 2, step: 0.1,
    hint: "Above 0 favours words that have not come yet." },
  { name: "frequency_penalty", label: "Frequency penalty", min: -2, max: 2, step: 0.1,
    hint: "Above 0 holds back words that came often." },
  { name: "seed", label: "Seed", min: 0, max: 4_294_967_295, step: 1,
    hint: "The same seed and question give the same answer." },
];

const kWhole = new Set<NumberKnob>(["max_tokens", "top_k", "seed"]);
const kMaxStops = 16;
const kMaxStopChars = 200;

/** The value if the API takes it; `undefined` for everything else. */
export function knobValue(knob: Knob, value: unknown): number | undefined {
  if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
  if (value < knob.min || value > knob.max) return undefined;
  if (kWhole.has(knob.name) && !Number.isInteger(value)) return undefined;
  return value;
}

/** Keeps what is valid of a foreign value, such as one out of a file or the browser's storage. */
export function readSampling(value: unknown): Sampling {
  if (typeof value !== "object" || value === null) return {};
  const record = value as Record<string, unknown>;
  const entries: [string, number | string[]][] = [];
  for (const knob of kKnobs) {
    const number = knobValue(knob, record[knob.name]);
    if (number !== undefined) entries.push([knob.name, number]);
  }
  const stop = readStops(record["stop"]);
  if (stop.length > 0) entries.push(["stop", stop]);
  return Object.fromEntries(entries);
}

function readStops(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  const texts = value.filter((stop): stop is string => typeof stop === "string" && stop !== "");
  return texts.filter((stop) => stop.length <= kMaxStopChars).slice(0, kMaxStops);
}

/** Stop strings as lines of text; "\n" in a line stands for a line end. */
export function stopsToLines(stops: readonly string[] | undefined): string {
  return (stops ?? []).map((s) => s.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")).join("\n");
}

export function linesToStops(lines: string): string[] {
  const texts = lines.split("\n").filter((line) => line !== "");
  return readStops(texts.map((s) => s.replace(/\\(n|\\)/g, (_, c) => (c === "n" ? "\n" : "\\"))));
}
