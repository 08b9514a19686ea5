// The page's only door to the network: two requests, all to its own origin.

import { type ChatDelta, readChunk } from "./chat_events";
import { ApiError, failureOfResponse } from "./failures";
import { SseParser } from "./sse";

export interface ModelInfo {
  readonly id: string;
  /** Tokens one conversation may hold; 0 when the server does not say. */
  readonly contextTokens: number;
}

export interface Access {
  readonly apiKey: string;
  readonly signal?: AbortSignal;
}

const kModelsTimeoutMs = 10_000;

export async function listModels(access: Access): Promise<ModelInfo[]> {
  const timeout = AbortSignal.timeout(kModelsTimeoutMs);
  const response = await send("v1/models", { headers: headers(access), signal: timeout });
  const body: unknown = await response.json().catch(() => undefined);
  const data = (body as { data?: unknown } | undefined)?.data;
  if (!Array.isArray(data)) {
    throw new ApiError({ kind: "server", detail: "The list of models could not be read." });
  }
  return data.flatMap(readModel);
}

/** Yields what arrives until the answer is complete. Throws ApiError, or AbortError when stopped. */
export async function* streamChat(body: object, access: Access): AsyncGenerator<ChatDelta> {
  const response = await send("v1/chat/completions", {
    method: "POST",
    headers: { ...headers(access), "Content-Type": "application/json" },
    body: JSON.stringify(body),
    ...(access.signal ? { signal: access.signal } : {}),
  });
  if (!response.body) throw new ApiError({ kind: "server", detail: "The answer has no body." });
  yield* readStream(response.body, access.signal);
}

export async function* readStream(
  body: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<ChatDelta> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new SseParser();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const events = parser.feed(decoder.decode(value, { stream: !done }));
      for (const data of events) {
        if (data === "[DONE]") return;
        const delta = readChunk(data);
        if (delta.failure) throw new ApiError(delta.failure);
        if (delta.finish !== undefined) finished = true;
        yield delta;
      }
      if (done) break;
    }
  } catch (error) {
    throw signal?.aborted || error instanceof ApiError ? error : interrupted(error);
  } finally {
    reader.cancel().catch(() => undefined);
  }
  // Without its last words the answer was cut, even if the connection closed politely.
  if (!finished) throw interrupted();
}

async function send(path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI), {
      ...init,
      credentials: "same-origin",
      redirect: "error",
      cache: "no-store",
    });
  } catch (error) {
    if (init.signal?.aborted && !isTimeout(error)) throw error;
    throw new ApiError({ kind: "unreachable", detail: "" });
  }
  if (response.ok) return response;
  const text = await response.text().catch(() => "");
  throw new ApiError(
    failureOfResponse(response.status, text, response.headers.get("Retry-After")),
  );
}

function headers(access: Access): Record<string, string> {
  return access.apiKey === "" ? {} : { Authorization: `Bearer ${access.apiKey}` };
}

function readModel(entry: unknown): ModelInfo[] {
  const { id, meta } = (entry ?? {}) as { id?: unknown; meta?: unknown };
  if (typeof id !== "string" || id === "") return [];
  const facts = (meta ?? {}) as { context_tokens?: unknown; chat?: unknown };
  // A model without a chat template completes text; it cannot be talked to.
  if (facts.chat === false) return [];
  const tokens = facts.context_tokens;
  return [{ id, contextTokens: typeof tokens === "number" && tokens > 0 ? tokens : 0 }];
}

function interrupted(error?: unknown): ApiError {
  const detail = error instanceof RangeError ? "The server sent an event without end." : "";
  return new ApiError({ kind: "interrupted", detail });
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
