import type { JSX } from "preact";
import type { Measures } from "../model/types";
import { usePage } from "../page";

/** For whoever meets these words here first. */
const kWords =
  "A token is a piece of a word. The prompt is all of the chat that the model reads before it answers; " +
  "what it has read before comes from its cache.";

/** From this share on, people should know that the conversation nears its end. */
const kNearlyFull = 0.7;

interface MeasuresLineProps {
  measures: Measures;
  model: string | undefined;
}

/** How fast and how much: one quiet line under an answer. */
export function MeasuresLine({ measures, model }: MeasuresLineProps): JSX.Element {
  const { connection } = usePage();
  const context = connection.models.value.find(({ id }) => id === model)?.contextTokens ?? 0;
  return (
    <ul class="measures" aria-label="Measures of this answer" title={kWords}>
      {[...describeMeasures(measures), ...describeFullness(measures, context)].map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}

export function describeMeasures(measures: Measures): string[] {
  const { tokensPerSecond, completionTokens, promptTokens, cachedTokens } = measures;
  const { promptMs, predictedMs } = measures;
  const parts: string[] = [];
  if (tokensPerSecond !== undefined && tokensPerSecond > 0) {
    parts.push(`${decimals(tokensPerSecond)} tokens/s`);
  }
  if (completionTokens !== undefined) {
    parts.push(counted(completionTokens, "token"));
  }
  if (promptTokens !== undefined) {
    const cached = cachedTokens ? `, ${whole(cachedTokens)} from cache` : "";
    parts.push(`${counted(promptTokens, "prompt token")} read${cached}`);
  }
  if (promptMs !== undefined && predictedMs !== undefined) {
    parts.push(`${decimals((promptMs + predictedMs) / 1000)} s`);
  }
  return parts;
}

/** Says how much of the model's context is used up, once that matters. */
export function describeFullness(measures: Measures, contextTokens: number): string[] {
  const used = (measures.promptTokens ?? 0) + (measures.completionTokens ?? 0);
  const share = contextTokens > 0 ? used / contextTokens : 0;
  return share < kNearlyFull ? [] : [`${Math.min(100, Math.round(share * 100))}% of its memory used`];
}

function counted(value: number, what: string): string {
  return `${whole(value)} ${what}${value === 1 ? "" : "s"}`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function decimals(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
