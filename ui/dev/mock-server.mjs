// Serves the built page beside a scripted API, under the Content-Security-Policy of the real server.
//
//   npm run build && npm run mock          then open http://127.0.0.1:8099
//
// PORT chooses the port, MOCK_TOKEN_MS the pause between tokens, MOCK_KEY an API key to ask for.
// The last question picks the script (see dev/scripts.mjs): "code", "error 429", "slow", "drop", ...

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { pickScript } from "./scripts.mjs";

const kDist = fileURLToPath(new URL("../dist", import.meta.url));
const kTypes = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
};
export const kPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types dompurify",
].join("; ");

const key = process.env.MOCK_KEY ?? "";
const tokenMs = Number(process.env.MOCK_TOKEN_MS ?? 25);

const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    response.destroy();
  });
});
server.listen(Number(process.env.PORT ?? 8099), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});

async function handle(request, response) {
  const path = new URL(request.url, "http://mock").pathname;
  if (!path.startsWith("/v1/")) return sendFile(path, response);
  if (key !== "" && request.headers.authorization !== `Bearer ${key}`) {
    return sendError(response, { status: 401, code: "invalid_api_key", message: "No valid API key." });
  }
  if (path === "/v1/models") return sendModels(response);
  if (path === "/v1/chat/completions") return sendChat(request, response);
  return sendError(response, { status: 404, code: "not_found", message: `No ${path} here.` });
}

async function sendFile(path, response) {
  const name = path === "/" ? "/index.html" : normalize(path);
  const bytes = await readFile(join(kDist, name)).catch(() => undefined);
  if (!bytes) return sendError(response, { status: 404, code: "not_found", message: "No such file." });
  response.writeHead(200, {
    "Content-Type": kTypes[extname(name)] ?? "application/octet-stream",
    "Content-Security-Policy": kPolicy,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": name.startsWith("/assets/") ? "public, max-age=31536000, immutable" : "no-cache",
  });
  response.end(bytes);
}

function sendModels(response) {
  const data = ["SmolLM2-135M-Instruct", "gemma-3-270m"].map((id) => ({
    id,
    object: "model",
    created: 1_760_000_000,
    owned_by: "quern",
  }));
  sendJson(response, 200, { object: "list", data });
}

async function sendChat(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  const script = pickScript(body);
  if (script.error) return sendError(response, script.error);
  if (script.drop === "before") return response.destroy();

  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.flushHeaders();
  await pause(script.firstMs ?? 120);
  const pauseMs = script.tokenMs ?? tokenMs;
  let count = 0;
  const start = performance.now();
  for (const [field, text] of [["reasoning_content", script.reasoning ?? ""], ["content", script.text]]) {
    for (const token of tokens(text)) {
      if (response.destroyed) return;
      sendEvent(response, body, { delta: { [field]: token }, finish_reason: null });
      count += 1;
      await pause(pauseMs);
    }
  }
  if (script.drop === "middle") {
    // A browser forgets what it has not handed over yet when a connection breaks.
    await pause(500);
    return response.destroy();
  }
  if (script.lateError) {
    response.write(`data: ${JSON.stringify({ error: script.lateError })}\n\n`);
    return response.end();
  }
  sendEvent(response, body, { delta: {}, finish_reason: script.finish ?? "stop" });
  sendEnd(response, body, count, performance.now() - start);
}

function sendEvent(response, body, choice) {
  const event = {
    id: "chatcmpl-mock",
    object: "chat.completion.chunk",
    created: 1_760_000_000,
    model: body.model,
    choices: [{ index: 0, ...choice }],
  };
  response.write(`data: ${JSON.stringify(event)}\n\n`);
}

function sendEnd(response, body, count, elapsedMs) {
  const promptTokens = body.messages.reduce((sum, m) => sum + 4 + Math.ceil(m.content.length / 4), 0);
  const cached = body.messages.length > 2 ? Math.floor(promptTokens / 2) : 0;
  const event = {
    id: "chatcmpl-mock",
    object: "chat.completion.chunk",
    model: body.model,
    choices: [],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: count,
      total_tokens: promptTokens + count,
      prompt_tokens_details: { cached_tokens: cached },
    },
    timings: {
      prompt_n: promptTokens - cached,
      prompt_ms: 120,
      predicted_n: count,
      predicted_ms: elapsedMs,
      predicted_per_second: (count * 1000) / Math.max(1, elapsedMs),
      cached_n: cached,
    },
  };
  response.write(`data: ${JSON.stringify(event)}\n\ndata: [DONE]\n\n`);
  response.end();
}

function sendError(response, { status, code, message, headers = {} }) {
  sendJson(response, status, { error: { message, type: "invalid_request_error", code } }, headers);
}

function sendJson(response, status, body, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** Pieces of about a token's length, white space in front as models have it. */
function tokens(text) {
  return text.match(/\s*\S{1,6}|\s+$/g) ?? [];
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
