// When things go wrong: what people are told, and what they keep.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  answered, ask, askAndWait, expectCount, expectText, lastAnswer, needsMock, openPage, startBrowser, startMock,
} from "./browser.mjs";

let session;
before(async () => (session = await startBrowser()));
after(() => session.stop());

const kTold = [
  ["error 400", /too long for the model[\s\S]*9000 tokens/],
  ["error 404", /model is not here/],
  ["error 422", /did not accept the request[\s\S]*temperature/],
  ["error 429", /busy[\s\S]*7 seconds/],
  ["error 500", /made a mistake[\s\S]*guest trapped/],
  ["late error", /made a mistake[\s\S]*engine was lost/],
];

for (const [question, told] of kTold) {
  test(`${question} is told in words`, needsMock, async () => {
    const { page, context, problems } = await openPage(session);
    await ask(page, question);
    await expectText(page.locator(".failure"), told);
    await page.getByRole("button", { name: "Try again" }).waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });
}

test("a lost connection keeps what had arrived and can go on", needsMock, async () => {
  const { page, context } = await openPage(session);
  await ask(page, "drop it");
  await expectText(page.locator(".failure"), /lost in the middle/);
  await expectText(lastAnswer(page), /^This much had arrived$/);
  await page.reload();
  await expectText(lastAnswer(page), /^This much had arrived$/);
  await page.getByRole("button", { name: "Go on from here" }).click();
  await expectText(lastAnswer(page), /^This much had arrived and this is the rest\.$/);
  await expectCount(page.locator(".failure"), 0);
  await expectCount(page.locator(".answer .version-count"), 0);
  await context.close();
});

test("an answer that was cut by its limit can go on", needsMock, async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "cut it");
  await expectText(page.locator(".cut"), /Cut off/);
  await page.getByRole("button", { name: "Go on from here" }).click();
  await expectText(lastAnswer(page), /^This answer is cut and this is the rest\.$/);
  await context.close();
});

test("a tab closed in the middle of an answer keeps what had arrived", needsMock, async () => {
  const { page, context } = await openPage(session);
  await ask(page, "slow please");
  await expectText(lastAnswer(page), /The mill turns/);
  await page.waitForTimeout(1_800);
  await page.reload();
  await expectText(lastAnswer(page), /The mill turns/);
  await expectText(page.locator(".cut"), /closed before the answer was complete/);
  await context.close();
});

test("a server that goes away is told, and found again when it is back", needsMock, async () => {
  const server = await startMock();
  const { page, context } = await openPage(session, { url: server.url });
  await askAndWait(page, "echo before");
  await server.stop();
  await ask(page, "echo after");
  await expectText(page.locator(".failure"), /does not answer/);
  await expectText(page.locator(".banner"), /keeps trying/);
  const again = await startMock({ PORT: new URL(server.url).port });
  await page.locator(".banner").waitFor({ state: "detached", timeout: 20_000 });
  await page.getByRole("button", { name: "Try again" }).click();
  await expectText(lastAnswer(page), /You said: after/);
  await context.close();
  await again.stop();
});

test("a server with a key asks for it, refuses a wrong one and remembers the right one", needsMock, async () => {
  const server = await startMock({ MOCK_KEY: "open-sesame" });
  const { page, context } = await openPage(session, { url: server.url });
  const dialog = page.getByRole("dialog", { name: "API key" });
  await dialog.waitFor();
  await dialog.getByLabel("Key").fill("wrong");
  await dialog.getByLabel("Key").press("Enter");
  await expectText(dialog, /did not accept this key/);
  await dialog.getByLabel("Key").fill("open-sesame");
  await dialog.getByRole("button", { name: "Use this key" }).click();
  await expectText(page.locator(".whereabouts"), /runs here/);
  await askAndWait(page, "echo hello");
  await expectText(lastAnswer(page), /You said: hello/);
  await page.reload();
  await askAndWait(page, "echo again");
  await expectText(lastAnswer(page), /You said: again/);
  await context.close();
  await server.stop();
});

test("a browser without storage is told of, and chats all the same", needsMock, async () => {
  const context = await session.browser.newContext();
  await context.addInitScript(() => {
    Object.defineProperty(window, "indexedDB", { get: () => undefined });
    Object.defineProperty(window, "localStorage", {
      get() {
        throw new DOMException("closed", "SecurityError");
      },
    });
  });
  const page = await context.newPage();
  await page.goto(session.url);
  await expectText(page.locator(".notice"), /does not let the page keep anything/);
  await askAndWait(page, "echo hello");
  await expectText(lastAnswer(page), /You said: hello/);
  await context.close();
});

test("storage that fails later is told once", needsMock, async () => {
  const { page, context } = await openPage(session);
  await page.evaluate(() => {
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  });
  await ask(page, "echo one");
  await answered(page);
  await ask(page, "echo two");
  await answered(page);
  await expectCount(page.locator(".notice.problem"), 1);
  await expectText(page.locator(".notice.problem"), /storage is full/);
  await expectText(lastAnswer(page), /You said: two/);
  await context.close();
});
