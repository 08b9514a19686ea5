import { describe, expect, it } from "vitest";
import { findWords, fold, searchWords } from "./search";

describe("search", () => {
  it("forgives case and accents and keeps offsets", () => {
    expect(fold("Crème BRÛLÉE")).toBe("creme brulee");
    for (const odd of ["İstanbul", "ß", "👩‍🚀 x", "ﬁ", "e\u0301"]) {
      expect(fold(odd).length, odd).toBe(odd.length);
    }
  });

  it("wants all words, in any order", () => {
    const words = searchWords("  mill  HAND ");
    expect(findWords("A quern is a hand mill.", words)).toBeDefined();
    expect(findWords("A quern is a mill.", words)).toBeUndefined();
  });

  it("shows the match as it was written, in its surroundings", () => {
    const text = `${"lorem ipsum ".repeat(20)}the Crème\nbrûlée ${"dolor ".repeat(40)}`;
    const snippet = findWords(text, searchWords("creme"));
    expect(snippet?.match).toBe("Crème");
    expect(snippet?.before).toMatch(/^….*the $/);
    expect(snippet?.before.length).toBeLessThan(40);
    expect(snippet?.after).toMatch(/^ brûlée dolor/);
  });

  it("finds nothing for nothing", () => {
    expect(findWords("text", searchWords("   "))).toBeUndefined();
  });
});
