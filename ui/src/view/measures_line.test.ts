import { describe, expect, it } from "vitest";
import { describeFullness, describeMeasures } from "./measures_line";

describe("measures", () => {
  it("tell speed, counts, cache and time", () => {
    const texts = describeMeasures({
      tokensPerSecond: 41.26, completionTokens: 1234, promptTokens: 300, cachedTokens: 120,
      promptMs: 400, predictedMs: 1600,
    });
    expect(texts).toEqual(["41.3 tokens/s", "1,234 tokens", "300 prompt tokens read, 120 from cache", "2.0 s"]);
  });

  it("leave out what the server did not say", () => {
    expect(describeMeasures({ completionTokens: 1 })).toEqual(["1 token"]);
    expect(describeMeasures({ tokensPerSecond: 0, promptTokens: 5, cachedTokens: 0 }))
      .toEqual(["5 prompt tokens read"]);
    expect(describeMeasures({ promptTokens: 1 })).toEqual(["1 prompt token read"]);
  });

  it("warn when the model's memory is nearly full, and only then", () => {
    const measures = { promptTokens: 1500, completionTokens: 100 };
    expect(describeFullness(measures, 2048)).toEqual(["78% of its memory used"]);
    expect(describeFullness(measures, 8192)).toEqual([]);
    expect(describeFullness(measures, 0)).toEqual([]);
  });
});
