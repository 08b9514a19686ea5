import type { JSX } from "preact";
import type { Measures } from "../model/types";

/** How fast and how much: one quiet line under an answer. */
export function MeasuresLine({ measures }: { measures: Measures }): JSX.Element {
  return (
    <ul class="measures" aria-label="Measures of this answer">
      {describeMeasures(measures).map((text) => (
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
    parts.push(`${whole(completionTokens)} token${completionTokens === 1 ? "" : "s"}`);
  }
  if (promptTokens !== undefined) {
    const cached = cachedTokens ? `, ${whole(cachedTokens)} from cache` : "";
    parts.push(`${whole(promptTokens)} read${cached}`);
  }
  if (promptMs !== undefined && predictedMs !== undefined) {
    parts.push(`${decimals((promptMs + predictedMs) / 1000)} s`);
  }
  return parts;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function decimals(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
