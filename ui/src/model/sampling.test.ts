import { describe, expect, it } from "vitest";
import { kKnobs, knobValue, linesToStops, readSampling, stopsToLines } from "./sampling";

describe("sampling", () => {
  it("takes the ends of every range and nothing beyond", () => {
    for (const knob of kKnobs) {
      expect(knobValue(knob, knob.min), knob.name).toBe(knob.min);
      expect(knobValue(knob, knob.max), knob.name).toBe(knob.max);
      for (const wrong of [knob.min - 0.001, knob.max + 1, NaN, Infinity, "1", null]) {
        expect(knobValue(knob, wrong), `${knob.name} ${wrong}`).toBeUndefined();
      }
    }
  });

  it("keeps the valid part of a foreign value", () => {
    expect(readSampling({ temperature: 0.5, top_k: 2.5, stop: ["a", "", 1], evil: 1 })).toEqual({
      temperature: 0.5,
      stop: ["a"],
    });
    expect([readSampling(null), readSampling("x"), readSampling({ stop: "x" })]).toEqual([{}, {}, {}]);
    expect(readSampling({ stop: Array(40).fill("x") }).stop?.length).toBe(16);
  });

  it("writes stop texts as lines and reads them back", () => {
    const stops = ["END", "\n\n", "a\\nb", "\\"];
    expect(linesToStops(stopsToLines(stops))).toEqual(stops);
    expect(linesToStops("\n\nx\n")).toEqual(["x"]);
  });
});
