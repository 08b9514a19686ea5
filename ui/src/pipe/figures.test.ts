import { describe, expect, it } from "vitest";
import { addCount, formatBytes, formatCount, formatSaved, linePoints, newest } from "./figures";

describe("rates", () => {
  it("come from the difference of two counts", () => {
    const first = addCount(undefined, 100, 1);
    expect(newest(first)).toBe(0);
    expect(newest(addCount(first, 300, 2))).toBe(100);
  });
  it("begin anew when a stage does", () => {
    const before = addCount(addCount(undefined, 100, 1), 200, 1);
    const after = addCount(before, 5, 1);
    expect(after.last).toBe(5);
    expect(after.perSecond).toEqual([100]);
  });
  it("are kept for a minute", () => {
    let rate = addCount(undefined, 0, 1);
    for (let i = 1; i < 200; i += 1) rate = addCount(rate, i, 1);
    expect(rate.perSecond.length).toBe(60);
  });
});

describe("numbers", () => {
  it("are written for people", () => {
    expect(formatCount(1234.4)).toBe("1,234");
    expect(formatCount(12_345_678)).toBe("12.3 M");
    expect(formatBytes(0)).toBe("0 B");
    expect(formatBytes(1536)).toBe("1.5 KiB");
    expect(formatBytes(3 * 2 ** 30)).toBe("3.0 GiB");
    expect(formatSaved({ in: 1000, out: 76 })).toBe("92.4 %");
    expect(formatSaved({ in: 10, out: 20 })).toBe("0.0 %");
    expect(formatSaved({ in: 0, out: 0 })).toBe("");
  });
  it("become a line", () => {
    expect(linePoints([0, 5, 10], 100, 20)).toBe("0.0,20.0 50.0,10.0 100.0,0.0");
    expect(linePoints([0], 100, 20)).toBe("0.0,20.0");
  });
});
