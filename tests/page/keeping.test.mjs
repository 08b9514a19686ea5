// The list of conversations: kept, found, named, deleted, carried to another browser.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  askAndWait, expectCount, expectText, lastAnswer, needsMock, openPage, startBrowser,
} from "./browser.mjs";

let session;
before(async () => (session = await startBrowser()));
after(() => session.stop());

async function newChat(page, question) {
  await page.keyboard.press("Control+Shift+o");
  await expectCount(page.locator(".message"), 0);
  await askAndWait(page, question);
}

test("conversations survive a reload, and the address names the one on screen", async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "Echo apples, please.");
  await newChat(page, "Echo pears, please.");
  await expectCount(page.locator(".entry"), 2);
  const answer = await lastAnswer(page).innerText();
  await page.reload();
  await expectCount(page.locator(".entry"), 2);
  assert.equal(await lastAnswer(page).innerText(), answer);
  await expectText(page.locator(".bubble"), /pears/);
  await page.goBack();
  await page.goBack();
  await expectText(page.locator(".bubble"), /apples/);
  await context.close();
});

test("search finds what was said, by keyboard alone", needsMock, async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "echo the Crème is here");
  await newChat(page, "echo something else");
  await page.keyboard.press("Control+k");
  await expectCount(page.locator(".results").getByRole("option"), 2);
  await page.keyboard.type("creme");
  await expectCount(page.locator(".results").getByRole("option"), 1);
  assert.equal(await page.locator(".results mark").first().innerText(), "Crème");
  await page.keyboard.press("Enter");
  await expectText(lastAnswer(page), /Crème is here/);
  await page.keyboard.press("Control+k");
  await expectCount(page.locator(".results").getByRole("option"), 2);
  await page.keyboard.type("nowhere to be found");
  await expectText(page.locator(".no-results"), /Nothing found/);
  await page.keyboard.press("Escape");
  await expectCount(page.getByRole("dialog"), 0);
  await context.close();
});

test("a conversation can be renamed", async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "Echo one.");
  await page.locator(".entry").hover();
  await page.getByRole("button", { name: /^Rename/ }).click();
  await page.getByRole("textbox", { name: "Name of the chat" }).fill("My mill");
  await page.keyboard.press("Enter");
  await expectText(page.locator(".entry"), /My mill/);
  await page.reload();
  await expectText(page.locator(".entry"), /My mill/);
  assert.match(await page.title(), /My mill/);
  await context.close();
});

test("a deleted conversation can be brought back, or is gone for good", async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "Echo one.");
  const remove = async () => {
    await page.locator(".entry").hover();
    await page.getByRole("button", { name: /^Delete/ }).click();
    await expectCount(page.locator(".entry"), 0);
  };
  await remove();
  await page.getByRole("button", { name: "Undo" }).click();
  await expectCount(page.locator(".entry"), 1);
  await page.locator(".entry a").click();
  await expectCount(page.locator(".message"), 2);
  await remove();
  await page.reload();
  await expectText(page.locator(".conversations"), /listed here/);
  await context.close();
});

test("an export is imported by another browser with all its versions", needsMock, async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "count one");
  await page.getByRole("button", { name: "Answer again" }).click();
  await expectText(page.locator(".answer .version-count"), /2\/2/);
  await page.locator(".answer .measures").waitFor();
  const shown = await lastAnswer(page).innerText();
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: /Export all/ }).click();
  const download = await downloading;
  assert.match(download.suggestedFilename(), /^quern-conversations-\d{4}-\d\d-\d\d\.json$/);
  const file = await download.path();
  assert.equal(JSON.parse(await readFile(file, "utf8")).conversations.length, 1);

  const other = await openPage(session);
  await importFile(other.page, file);
  await expectText(other.page.locator(".notice"), /1 conversation was imported/);
  await other.page.keyboard.press("Escape");
  await other.page.locator(".entry a").click();
  await expectText(other.page.locator(".answer .version-count"), /2\/2/);
  assert.equal(await lastAnswer(other.page).innerText(), shown);
  await context.close();
  await other.context.close();
});

test("a file that is no export is refused in words", async () => {
  const { page, context } = await openPage(session);
  const file = join(tmpdir(), `quern-page-${process.pid}.json`);
  await writeFile(file, JSON.stringify({ format: "other" }));
  await importFile(page, file);
  await expectText(page.locator(".notice.problem"), /not imported.*not a file of Quern/);
  await expectCount(page.locator(".entry"), 0);
  await context.close();
});

async function importFile(page, file) {
  await page.getByRole("button", { name: "Settings", exact: true }).click();
  await page.locator("input[type=file]").setInputFiles(file);
}

test("what one tab stores, another one shows", async () => {
  const { page, context } = await openPage(session);
  const second = await context.newPage();
  await second.goto(page.url());
  await second.locator("#question").waitFor();
  await askAndWait(page, "Echo one.");
  await expectCount(second.locator(".entry"), 1);
  await second.locator(".entry a").click();
  await expectCount(second.locator(".message"), 2);
  await askAndWait(page, "Echo two.");
  await expectCount(second.locator(".message"), 4);
  await second.locator(".entry").hover();
  await second.getByRole("button", { name: /^Delete/ }).click();
  await expectCount(page.locator(".entry"), 0);
  await expectCount(page.locator(".message"), 0);
  await context.close();
});
