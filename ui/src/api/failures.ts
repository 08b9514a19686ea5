// The one table from what the server or the network does to what the page tells a person.

import type { Failure, FailureKind } from "../model/types";

/** Carries a Failure through promises. */
export class ApiError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.detail || failure.kind);
  }
}

interface ErrorBody {
  readonly message: string;
  readonly code: string;
}

/** Reads `{"error": {"message", "code", "type"}}`, or whatever text came instead. */
export function readErrorBody(text: string): ErrorBody {
  try {
    const body: unknown = JSON.parse(text);
    const error = field(body, "error");
    if (typeof error === "string") return { message: error, code: "" };
    const message = field(error, "message");
    const code = field(error, "code") ?? field(error, "type");
    return {
      message: typeof message === "string" ? message : "",
      code: typeof code === "string" ? code : "",
    };
  } catch {
    // A proxy's HTML page helps nobody; a short plain text may.
    return { message: text.length <= 200 && !text.includes("<") ? text.trim() : "", code: "" };
  }
}

export function failureOfResponse(status: number, text: string, retryAfter: string | null): Failure {
  const { message, code } = readErrorBody(text);
  const detail = message.slice(0, 500);
  const seconds = Number(retryAfter ?? "");
  const wait = retryAfter !== null && seconds > 0 && seconds < 86_400 ? { retryAfter: seconds } : {};
  return { kind: kindOf(status, code, message), detail, ...wait };
}

/** An error that arrives inside a stream has a body but no status of its own. */
export function failureOfEvent(text: string): Failure {
  const { message, code } = readErrorBody(text);
  const kind = kindOf(0, code, message);
  return { kind: kind === "refused" ? "server" : kind, detail: message.slice(0, 500) };
}

export interface Explanation {
  readonly title: string;
  readonly advice: string;
}

export function explain(failure: Failure): Explanation {
  const table: Record<FailureKind, Explanation> = {
    unreachable: {
      title: "Quern does not answer",
      advice: "Is it still running? Your message is kept; try again once it is back.",
    },
    interrupted: {
      title: "The connection was lost in the middle of the answer",
      advice: "What had arrived is kept. You can let it go on from there.",
    },
    unauthorized: {
      title: "This server asks for an API key",
      advice: "Enter the key that it was started with.",
    },
    context_full: {
      title: "This conversation is too long for the model",
      advice: "Start a new chat, shorten the message, or allow fewer tokens for the answer.",
    },
    overloaded: {
      title: "The server is busy",
      advice: failure.retryAfter
        ? `Try again in about ${duration(failure.retryAfter)}.`
        : "Try again in a moment.",
    },
    model_not_found: {
      title: "This model is not here any more",
      advice: "Choose another one at the top of the page.",
    },
    refused: { title: "The server did not accept the request", advice: "" },
    server: { title: "The server made a mistake", advice: "Try again; its log says more." },
  };
  return table[failure.kind];
}

function kindOf(status: number, code: string, message: string): FailureKind {
  if (code === "context_length_exceeded" || /context (length|size|window)/i.test(message)) {
    return "context_full";
  }
  if (status === 401 || code === "invalid_api_key") return "unauthorized";
  // A spent budget does not fill up by waiting a moment.
  if (code === "insufficient_quota") return "refused";
  if (status === 404 || code === "model_not_found") return "model_not_found";
  if (status === 429 || status === 503 || code === "rate_limit_exceeded") return "overloaded";
  if (status === 413) return "context_full";
  if (status === 502 || status === 504) return "unreachable";
  return status >= 500 ? "server" : "refused";
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} second${Math.ceil(seconds) === 1 ? "" : "s"}`;
  return `${Math.ceil(seconds / 60)} minutes`;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
