// Asking and what can be done with answers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  answered, ask, askAndWait, expectCount, expectText, isMock, kAnswerMs, lastAnswer, needsMock, openPage, startBrowser,
} from "./browser.mjs";

let session;
before(async () => (session = await startBrowser()));
after(() => session.stop());

test("a question is answered, with its measures, and nothing is fetched from elsewhere", async () => {
  const { page, context, problems } = await openPage(session);
  await expectText(page.locator(".whereabouts"), /runs/);
  await askAndWait(page, "Say hello in five words.");
  const answer = await lastAnswer(page).innerText();
  assert.ok(answer.trim().length > 0);
  await expectText(page.locator(".measures").last(), /tokens\/s[\s\S]*prompt tokens? read/);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a starter question begins a chat", async () => {
  const { page, context } = await openPage(session);
  await page.locator(".starter").first().click();
  await answered(page);
  assert.ok((await lastAnswer(page).innerText()).length > 0);
  await expectCount(page.locator(".entry"), 1);
  await context.close();
});

test("an answer can be stopped, and stays", async () => {
  const { page, context } = await openPage(session, { answerTokens: 1000 });
  await ask(page, isMock ? "slow please" : "Write a very long story about a mill.");
  await expectText(lastAnswer(page), /\S+ \S+/);
  await page.keyboard.press("Escape");
  await expectText(page.locator(".cut"), /Stopped/, 3_000);
  const text = await lastAnswer(page).innerText();
  await page.waitForTimeout(300);
  assert.equal(await lastAnswer(page).innerText(), text);
  await context.close();
});

test("answering again keeps the earlier answer as a version", async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "count for me");
  const first = await lastAnswer(page).innerText();
  await page.getByRole("button", { name: "Answer again" }).click();
  await answered(page);
  await expectText(page.locator(".answer .version-count"), /2\/2/);
  const second = await lastAnswer(page).innerText();
  await page.getByRole("button", { name: "Earlier answer" }).click();
  await expectText(page.locator(".answer .version-count"), /1\/2/);
  assert.equal(await lastAnswer(page).innerText(), first);
  await page.getByRole("button", { name: "Later answer" }).click();
  assert.equal(await lastAnswer(page).innerText(), second);
  if (isMock) assert.notEqual(first, second);
  await context.close();
});

test("editing a question branches the conversation, and the branches survive a reload", needsMock, async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "echo one");
  await askAndWait(page, "echo two");
  await page.locator(".question").first().hover();
  await page.getByRole("button", { name: "Edit question" }).first().click();
  await page.getByRole("textbox", { name: "Edit question" }).fill("echo other");
  await page.keyboard.press("Enter");
  await answered(page);
  await expectCount(page.locator(".question"), 1);
  await expectText(lastAnswer(page), /You said: other/);
  await expectText(page.locator(".question .version-count"), /2\/2/);

  await page.reload();
  await expectText(lastAnswer(page), /You said: other/);
  await page.getByRole("button", { name: "Earlier question" }).click();
  await expectCount(page.locator(".question"), 2);
  await expectText(lastAnswer(page), /You said: two/);

  await page.reload();
  await expectText(lastAnswer(page), /You said: two/);
  await context.close();
});

test("system prompt and sampling go with the request", needsMock, async () => {
  const { page, context } = await openPage(session);
  await page.getByRole("button", { name: "Settings of this chat" }).click();
  await page.getByLabel("System prompt").fill("Be brief.");
  await page.getByLabel("Temperature").fill("0.3");
  await page.getByLabel("Top k").fill("1.5");
  await expectText(page.getByRole("dialog"), /Between 0 and 1,000/);
  await page.getByLabel("Top k").fill("20");
  await page.getByLabel("Seed").fill("7");
  await page.getByLabel("Stop texts").fill("END\n\\n\\n");
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByLabel("Model", { exact: true }).selectOption("gemma-3-270m");
  await askAndWait(page, "request");
  const body = JSON.parse(await lastAnswer(page).locator("code").innerText());
  assert.deepEqual(body.messages, [
    { role: "system", content: "Be brief." },
    { role: "user", content: "request" },
  ]);
  assert.equal(body.model, "gemma-3-270m");
  assert.deepEqual(body.stream_options, { include_usage: true });
  assert.deepEqual(
    [body.stream, body.temperature, body.top_k, body.seed, body.stop],
    [true, 0.3, 20, 7, ["END", "\n\n"]],
  );
  assert.ok(!("top_p" in body));
  await context.close();
});

test("what a model thinks is folded away", needsMock, async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "think hard");
  await expectText(lastAnswer(page), /^Forty-two\.$/);
  const head = page.getByRole("button", { name: "What the model thought" });
  assert.equal(await head.getAttribute("aria-expanded"), "false");
  await head.click();
  await expectText(page.locator(".reasoning-text"), /Let me weigh it/);
  await context.close();
});

test("code can be copied", needsMock, async () => {
  const { page, context } = await openPage(session, { permissions: ["clipboard-read", "clipboard-write"] });
  await askAndWait(page, "write code");
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await expectText(page.locator(".code-copy"), /Copied/);
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^from collections import Counter\n/);
  assert.ok(!copied.includes("Copied"));
  await context.close();
});

test("a hostile answer runs nothing and fetches nothing", needsMock, async () => {
  const { page, context, problems } = await openPage(session);
  await askAndWait(page, "hostile answer");
  await page.locator(".answer a", { hasText: "Picture: picture" }).waitFor();
  assert.equal(await page.evaluate(() => "pwned" in window), false);
  assert.equal(await page.locator(".answer :is(script, img, [onclick], [style])").count(), 0);
  assert.deepEqual(problems, []);
  await context.close();
});

test("a reader who scrolls up is left alone", needsMock, async () => {
  const { page, context } = await openPage(session);
  await ask(page, "slow please");
  const thread = page.locator(".thread");
  const top = () => thread.evaluate((element) => element.scrollTop);
  const room = () => thread.evaluate((e) => e.scrollHeight - e.clientHeight);
  const end = Date.now() + kAnswerMs;
  while ((await room()) < 300 && Date.now() < end) await page.waitForTimeout(100);
  assert.ok((await room()) - (await top()) < 80, "the page follows the answer");
  await thread.hover();
  await page.mouse.wheel(0, -250);
  await page.waitForTimeout(200);
  const left = await top();
  await page.waitForTimeout(700);
  assert.equal(await top(), left, "the page stays where the reader is");
  await page.getByRole("button", { name: "Go to the latest" }).click();
  await page.waitForTimeout(200);
  assert.ok((await room()) - (await top()) < 80);
  await context.close();
});
