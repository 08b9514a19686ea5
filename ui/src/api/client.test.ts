// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ChatDelta } from "./chat_events";
import { listModels, readStream, streamChat } from "./client";
import { ApiError } from "./failures";

const kAnswer =
  'data: {"choices":[{"delta":{"role":"assistant","reasoning_content":"hm"}}]}\n\n' +
  'data: {"model":"m","choices":[{"delta":{"content":"Grüße 👋"}}]}\n\n' +
  ": comment\n\ndata: not json\n\n" +
  'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n' +
  'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2},' +
  '"timings":{"prompt_n":3,"prompt_ms":10,"predicted_n":2,"predicted_ms":40,' +
  '"predicted_per_second":50,"cached_n":2}}\n\n' +
  "data: [DONE]\n\n";

function stream(...pieces: (string | Uint8Array | Error)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else if (piece instanceof Error) controller.error(piece);
      else controller.enqueue(typeof piece === "string" ? encoder.encode(piece) : piece);
    },
  });
}

async function collect(source: AsyncIterable<ChatDelta>): Promise<ChatDelta[]> {
  const deltas: ChatDelta[] = [];
  for await (const delta of source) deltas.push(delta);
  return deltas;
}

async function failure(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(() => undefined, (thrown: unknown) => thrown);
  return error instanceof ApiError ? error.failure : error;
}

afterEach(() => vi.unstubAllGlobals());

describe("readStream", () => {
  it("reads text, thoughts, finish and measures, cut between any two bytes", async () => {
    const bytes = new TextEncoder().encode(kAnswer);
    for (let cut = 0; cut < bytes.length; cut += 1) {
      const deltas = await collect(readStream(stream(bytes.slice(0, cut), bytes.slice(cut))));
      expect(deltas.map((d) => d.text).join(""), `cut at ${cut}`).toBe("Grüße 👋");
      expect(deltas.map((d) => d.reasoning).join("")).toBe("hm");
      expect(deltas.find((d) => d.finish)?.finish).toBe("stop");
      expect(deltas.find((d) => d.measures)?.measures).toEqual({
        promptTokens: 5, cachedTokens: 2, completionTokens: 2, promptMs: 10, predictedMs: 40,
        tokensPerSecond: 50,
      });
    }
  });

  it("calls an answer without an end interrupted, however politely it ended", async () => {
    const half = 'data: {"choices":[{"delta":{"content":"half"}}]}\n\n';
    expect(await failure(collect(readStream(stream(half))))).toMatchObject({ kind: "interrupted" });
    expect(await failure(collect(readStream(stream(half, new TypeError("network")))))).toMatchObject({
      kind: "interrupted",
    });
  });

  it("takes a finish reason for an end where [DONE] is missing", async () => {
    const whole = 'data: {"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}\n\n';
    expect((await collect(readStream(stream(whole))))[0]?.text).toBe("x");
  });

  it("tells an error that comes in the middle", async () => {
    const bad = 'data: {"error":{"message":"lost","code":"server_error"}}\n\n';
    expect(await failure(collect(readStream(stream(bad))))).toEqual({ kind: "server", detail: "lost" });
  });

  it("survives chunks of every wrong shape", async () => {
    const odd = ["null", "[]", "7", '{"choices":{}}', '{"choices":[null]}', '{"choices":[{"delta":[]}]}',
      '{"choices":[{"delta":{"content":5}}]}', '{"usage":[1]}', '{"usage":{"prompt_tokens":-1}}'];
    const text = odd.map((data) => `data: ${data}\n\n`).join("");
    const deltas = await collect(readStream(stream(text, "data: [DONE]\n\n")));
    expect(deltas.every((d) => d.text === "" && d.measures === undefined)).toBe(true);
  });

  it("lets an abort through as what it is", async () => {
    const controller = new AbortController();
    controller.abort();
    const error = new Error("stopped");
    const result = await failure(collect(readStream(stream(error), controller.signal)));
    expect(result).toBe(error);
  });
});

describe("requests", () => {
  it("send the key, and only where there is one", async () => {
    const fetch = vi.fn(async () => new Response('{"data":[{"id":"m","meta":{"context_tokens":9}},{},7]}'));
    vi.stubGlobal("fetch", fetch);
    expect(await listModels({ apiKey: "k" })).toEqual([{ id: "m", contextTokens: 9 }]);
    await listModels({ apiKey: "" });
    const headers = fetch.mock.calls.map((call) => (call as unknown as [URL, RequestInit])[1].headers);
    expect(headers).toEqual([{ Authorization: "Bearer k" }, {}]);
    expect(String((fetch.mock.calls[0] as unknown as [URL])[0])).toBe("http://localhost:3000/v1/models");
  });

  it("offer no model that cannot be talked to", async () => {
    const data = [{ id: "base", meta: { chat: false } }, { id: "m", meta: { chat: true } }, { id: "foreign" }];
    vi.stubGlobal("fetch", async () => Response.json({ data }));
    expect((await listModels({ apiKey: "" })).map(({ id }) => id)).toEqual(["m", "foreign"]);
  });

  it("call a server that is not there unreachable", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("Failed to fetch");
    });
    expect(await failure(listModels({ apiKey: "" }))).toEqual({ kind: "unreachable", detail: "" });
  });

  it("refuse a list of models that is none", async () => {
    vi.stubGlobal("fetch", async () => new Response("<html>"));
    expect(await failure(listModels({ apiKey: "" }))).toMatchObject({ kind: "server" });
  });

  it("tell the status of a refused question", async () => {
    vi.stubGlobal("fetch", async () => new Response("", { status: 429, headers: { "Retry-After": "3" } }));
    const work = collect(streamChat({}, { apiKey: "" }));
    expect(await failure(work)).toEqual({ kind: "overloaded", detail: "", retryAfter: 3 });
  });
});
