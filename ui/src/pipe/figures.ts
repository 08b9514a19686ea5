// Rates from counts that only grow, and numbers as a person reads them.

export interface Rate {
  last: number;
  perSecond: number[]; // the newest last
}

const kKept = 60;

/** Adds what was counted `seconds` after the last time. A count that fell began anew. */
export function addCount(rate: Rate | undefined, count: number, seconds: number): Rate {
  if (!rate || count < rate.last || seconds <= 0) return { last: count, perSecond: rate?.perSecond ?? [] };
  const perSecond = [...rate.perSecond, (count - rate.last) / seconds].slice(-kKept);
  return { last: count, perSecond };
}

export function newest(rate: Rate | undefined): number {
  return rate?.perSecond.at(-1) ?? 0;
}

export function formatCount(count: number): string {
  if (count >= 10_000_000) return `${(count / 1e6).toFixed(1)} M`;
  return Math.round(count).toLocaleString("en-US");
}

export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit += 1;
  }
  return `${bytes >= 100 || unit === 0 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
}

/** "92.4 %" of the bytes were not shipped; nothing to say before there are any. */
export function formatSaved(bytes: { in: number; out: number }): string {
  if (bytes.in === 0) return "";
  return `${(100 * Math.max(0, 1 - bytes.out / bytes.in)).toFixed(1)} %`;
}

/** Points of a line through `values` in a box of that size, the highest at its top. */
export function linePoints(values: readonly number[], width: number, height: number): string {
  const highest = Math.max(...values, 1e-9);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  return values.map((value, i) => `${(i * step).toFixed(1)},${(height - (value / highest) * height).toFixed(1)}`).join(" ");
}
