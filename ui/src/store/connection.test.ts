import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ModelInfo } from "../api/client";
import { ApiError } from "../api/failures";
import type { FailureKind } from "../model/types";
import { Connection } from "./connection";

const kModels: ModelInfo[] = [
  { id: "first", contextTokens: 0 },
  { id: "second", contextTokens: 0 },
];

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function failing(kind: FailureKind): () => Promise<never> {
  return () => Promise.reject(new ApiError({ kind, detail: "" }));
}

describe("Connection", () => {
  it("asks again, ever more slowly, until the server is back", async () => {
    const list = vi.fn(failing("unreachable") as () => Promise<ModelInfo[]>);
    const connection = new Connection(list, signal(""));
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.state.value).toBe("gone");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(list.mock.calls.length).toBeGreaterThan(4);
    expect(list.mock.calls.length).toBeLessThan(12);
    list.mockResolvedValue(kModels);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(connection.state.value).toBe("ready");
    const calls = list.mock.calls.length;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(list.mock.calls.length).toBe(calls);
  });

  it("waits for a key instead of asking again, and tries the new key at once", async () => {
    const key = signal("");
    const list = vi.fn(async ({ apiKey }: { apiKey: string }) =>
      apiKey === "right" ? kModels : failing("unauthorized")(),
    );
    const connection = new Connection(list, key);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(connection.state.value).toBe("locked");
    expect(list).toHaveBeenCalledTimes(1);
    key.value = "right";
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.state.value).toBe("ready");
  });

  it("believes the latest request, whatever order they end in", async () => {
    const pending: ((models: ModelInfo[]) => void)[] = [];
    const list = () => new Promise<ModelInfo[]>((resolve) => pending.push(resolve));
    const connection = new Connection(list, signal(""));
    void connection.refresh();
    pending[1]!(kModels);
    await vi.advanceTimersByTimeAsync(0);
    pending[0]!([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.models.value).toEqual(kModels);
  });

  it("uses the wanted model if it is here, else the first", async () => {
    const connection = new Connection(async () => kModels, signal(""));
    expect(connection.effectiveModel("wanted")).toBe("wanted");
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.effectiveModel("second")).toBe("second");
    expect(connection.effectiveModel("gone")).toBe("first");
  });
});
