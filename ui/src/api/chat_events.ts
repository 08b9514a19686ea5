// One chunk of a streamed answer, read into the page's own words. Nothing in it is trusted to be
// there or to have the right type: the page must work with any OpenAI-compatible server.

import type { Failure, Measures } from "../model/types";
import { failureOfEvent } from "./failures";

export interface ChatDelta {
  readonly text: string;
  readonly reasoning: string;
  readonly model?: string;
  readonly finish?: string;
  readonly measures?: Measures;
  readonly failure?: Failure;
}

const kNothing: ChatDelta = { text: "", reasoning: "" };

/** `data` is one event's JSON. What is not JSON is passed over: it may be a server's comment. */
export function readChunk(data: string): ChatDelta {
  let chunk: unknown;
  try {
    chunk = JSON.parse(data);
  } catch {
    return kNothing;
  }
  if (!isRecord(chunk)) return kNothing;
  if (chunk["error"]) return { ...kNothing, failure: failureOfEvent(data) };

  const choices = chunk["choices"];
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const delta = isRecord(choice) && isRecord(choice["delta"]) ? choice["delta"] : {};
  const finish = isRecord(choice) ? choice["finish_reason"] : undefined;
  const measures = readMeasures(chunk["usage"], chunk["timings"]);
  return {
    text: text(delta["content"]),
    reasoning: text(delta["reasoning_content"]) || text(delta["reasoning"]),
    ...(typeof chunk["model"] === "string" ? { model: chunk["model"] } : {}),
    ...(typeof finish === "string" ? { finish } : {}),
    ...(measures ? { measures } : {}),
  };
}

/** `timings` is an extension; without it the counts of `usage` are all there is. */
export function readMeasures(usage: unknown, timings: unknown): Measures | undefined {
  const used = isRecord(usage) ? usage : {};
  const timed = isRecord(timings) ? timings : {};
  const details = isRecord(used["prompt_tokens_details"]) ? used["prompt_tokens_details"] : {};
  const measures = {
    promptTokens: count(used["prompt_tokens"]) ?? count(timed["prompt_n"]),
    cachedTokens: count(timed["cached_n"]) ?? count(details["cached_tokens"]),
    completionTokens: count(used["completion_tokens"]) ?? count(timed["predicted_n"]),
    promptMs: count(timed["prompt_ms"]),
    predictedMs: count(timed["predicted_ms"]),
    tokensPerSecond: count(timed["predicted_per_second"]),
  };
  const known = Object.entries(measures).filter(([, value]) => value !== undefined);
  return known.length > 0 ? Object.fromEntries(known) : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
