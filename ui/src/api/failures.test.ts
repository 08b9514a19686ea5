import { describe, expect, it } from "vitest";
import type { FailureKind } from "../model/types";
import { explain, failureOfEvent, failureOfResponse, readErrorBody } from "./failures";

function body(code: string, message = "said"): string {
  return JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code } });
}

describe("failures", () => {
  const table: [number, string, FailureKind][] = [
    [400, body("context_length_exceeded"), "context_full"],
    [400, body("", "This model's maximum context length is 2048 tokens"), "context_full"],
    [413, body("request_too_large"), "context_full"],
    [401, body("invalid_api_key"), "unauthorized"],
    [401, "", "unauthorized"],
    [403, body("permission_denied"), "refused"],
    [404, body("model_not_found"), "model_not_found"],
    [422, body("invalid_value"), "refused"],
    [429, body("rate_limit_exceeded"), "overloaded"],
    [429, body("insufficient_quota"), "refused"],
    [503, "", "overloaded"],
    [500, "<html>nginx</html>", "server"],
    [502, "<html>nginx</html>", "unreachable"],
  ];
  it.each(table)("%i %s is %s", (status, text, kind) => {
    expect(failureOfResponse(status, text, null).kind).toBe(kind);
  });

  it("tells when to try again, if the server named a sane time", () => {
    const wait = (header: string | null) => failureOfResponse(429, body(""), header).retryAfter;
    expect([wait("7"), wait("0"), wait(null), wait("Fri, 1 Jan"), wait("1e9")]).toEqual([
      7, undefined, undefined, undefined, undefined,
    ]);
    expect(explain({ kind: "overloaded", detail: "", retryAfter: 1 }).advice).toContain("1 second.");
    expect(explain({ kind: "overloaded", detail: "", retryAfter: 200 }).advice).toContain("4 minutes");
  });

  it("shows what the server said, but no page of a proxy and no novel", () => {
    expect(readErrorBody(body("x", "why"))).toEqual({ message: "why", code: "x" });
    expect(readErrorBody('{"error":"plain"}').message).toBe("plain");
    expect(readErrorBody("<html>502</html>").message).toBe("");
    expect(readErrorBody("null").message).toBe("");
    expect(failureOfResponse(500, body("", "x".repeat(9_999)), null).detail.length).toBe(500);
  });

  it("calls an error inside a stream the server's", () => {
    expect(failureOfEvent(body("server_error")).kind).toBe("server");
    expect(failureOfEvent(body("context_length_exceeded")).kind).toBe("context_full");
  });
});
