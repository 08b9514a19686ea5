import { describe, expect, it } from "vitest";
import { SseParser } from "./sse";

function parse(...pieces: string[]): string[] {
  const parser = new SseParser();
  return pieces.flatMap((piece) => parser.feed(piece));
}

const kStream = ': hello\r\ndata: {"a":1}\r\n\r\nevent: x\ndata: two\ndata: lines\n\ndata:[DONE]\r\r';
const kEvents = ['{"a":1}', "two\nlines", "[DONE]"];

describe("SseParser", () => {
  it("reads events with every kind of line end", () => {
    expect(parse(kStream)).toEqual(kEvents);
  });

  it("reads the same wherever the stream is cut in two", () => {
    for (let cut = 0; cut <= kStream.length; cut += 1) {
      expect(parse(kStream.slice(0, cut), kStream.slice(cut)), `cut at ${cut}`).toEqual(kEvents);
    }
  });

  it("reads the same one character at a time", () => {
    expect(parse(...kStream)).toEqual(kEvents);
  });

  it("takes empty pieces between a carriage return and its line feed", () => {
    expect(parse("data: a\r", "", "\ndata: b\r\n\r\n")).toEqual(["a\nb"]);
  });

  it("strips one space and no more", () => {
    expect(parse("data:  x\n\n", "data:y\n\n", "data\n\n")).toEqual([" x", "y", ""]);
  });

  it("ignores comments, unknown fields and a byte order mark", () => {
    expect(parse("\uFEFFdata: 1\n\n:ping\n\nid: 4\nretry: 9\ndatabase: no\n\n")).toEqual(["1"]);
  });

  it("does not give out an event that is not complete", () => {
    expect(parse("data: half\n")).toEqual([]);
  });

  it("stops at a line without end", () => {
    const parser = new SseParser();
    const mebibyte = "x".repeat(1024 * 1024);
    expect(() => {
      parser.feed("data: ");
      for (let i = 0; i < 5; i += 1) parser.feed(mebibyte);
    }).toThrow(RangeError);
  });

  it("stops at an event of endlessly many lines", () => {
    const parser = new SseParser();
    const line = `data: ${"x".repeat(1024 * 1024)}\n`;
    expect(() => {
      for (let i = 0; i < 5; i += 1) parser.feed(line);
    }).toThrow(RangeError);
  });
});
