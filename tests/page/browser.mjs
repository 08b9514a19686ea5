// What every test of the page needs: a browser, a server, and a fresh person (browser context).
//
//   BASE_URL=http://127.0.0.1:8080 npm test     against a server that runs already
//   npm test                                    against the mock, which is started here
//
// Tests that need scripted answers are skipped where BASE_URL names a real server.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const isMock = !process.env.BASE_URL;
export const needsMock = { skip: isMock ? false : "needs scripted answers" };
/** A real model may be slow to answer. */
export const kAnswerMs = isMock ? 15_000 : 120_000;

const kMock = fileURLToPath(new URL("../../ui/dev/mock-server.mjs", import.meta.url));

export async function startMock(environment = {}) {
  const env = { ...process.env, PORT: "0", MOCK_TOKEN_MS: "3", ...environment };
  const child = spawn(process.execPath, [kMock], { env, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  return {
    url: String(line).trim(),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill();
      await once(child, "exit");
    },
  };
}

export async function startBrowser() {
  const server = isMock ? await startMock() : undefined;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  return {
    browser,
    url: server?.url ?? process.env.BASE_URL,
    stop: async () => {
      await browser.close();
      await server?.stop();
    },
  };
}

/** A real model would write on and on; what is tested here is not its eloquence. */
const kAnswerTokens = 24;

/** Opens the page as a new person would. `problems` collects what must not happen on any page. */
export async function openPage(session, options = {}) {
  const { url = session.url, answerTokens = kAnswerTokens, ...contextOptions } = options;
  const viewport = { width: 1280, height: 800 };
  const context = await session.browser.newContext({ viewport, ...contextOptions });
  if (!isMock) await context.addInitScript(limitAnswers, answerTokens);
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (/Content.Security.Policy|TrustedHTML|Refused to/i.test(message.text())) {
      problems.push(message.text());
    }
  });
  page.on("request", (request) => {
    const foreign = !request.url().startsWith(new URL(url).origin) && !/^(blob|data):/.test(request.url());
    if (foreign) problems.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  await page.locator("#question").waitFor();
  return { page, context, problems };
}

/** Runs in the browser, before the page: what new chats start with. */
function limitAnswers(tokens) {
  if (localStorage.getItem("quern.preferences") !== null) return;
  const setup = { sampling: { max_tokens: tokens } };
  localStorage.setItem("quern.preferences", JSON.stringify({ setup }));
}

export async function ask(page, text) {
  await page.locator("#question").fill(text);
  await page.locator("#question").press("Enter");
}

/** Asks, and waits until the answer is complete. */
export async function askAndWait(page, text) {
  await ask(page, text);
  await answered(page);
}

export async function answered(page) {
  await page.getByRole("button", { name: "Stop", exact: true }).waitFor({ timeout: 5_000 }).catch(() => {});
  await page.getByRole("button", { name: "Send", exact: true }).waitFor({ timeout: kAnswerMs });
}

export function lastAnswer(page) {
  return page.locator(".answer .prose").last();
}

export async function expectText(locator, pattern, timeoutMs = kAnswerMs) {
  const end = Date.now() + timeoutMs;
  let text = "";
  while (Date.now() < end) {
    text = await locator.innerText({ timeout: timeoutMs });
    if (pattern.test(text)) return text;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.match(text, pattern);
  return text;
}

export async function expectCount(locator, count, timeoutMs = 5_000) {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end && (await locator.count()) !== count) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(await locator.count(), count);
}
