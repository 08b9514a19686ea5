// For everybody: keyboard, screen readers, contrast, narrow screens, dark, calm.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lowContrast } from "./contrast.mjs";
import {
  answered, ask, askAndWait, expectCount, expectText, lastAnswer, needsMock, openPage, startBrowser,
} from "./browser.mjs";

let session;
before(async () => (session = await startBrowser()));
after(() => session.stop());

test("the message field has the focus; Shift+Enter makes a line, Enter sends", async () => {
  const { page, context } = await openPage(session);
  await expectFocus(page, "Message");
  await page.keyboard.type("echo first");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second");
  assert.equal(await page.locator("#question").inputValue(), "echo first\nsecond");
  await page.keyboard.press("Enter");
  await answered(page);
  assert.equal(await page.locator(".bubble").innerText(), "echo first\nsecond");
  await expectFocus(page, "Message");
  await context.close();
});

test("Tab goes through the page in its order, and every stop has a name", async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "Echo one.");
  await page.locator(".skip").focus();
  const names = [await focusedName(page)];
  for (let i = 0; i < 40; i += 1) {
    await page.keyboard.press("Tab");
    const name = await focusedName(page);
    if (name === "BODY" || names.includes(name)) break;
    names.push(name);
  }
  assert.ok(!names.includes(""), `nameless stops among ${names.join(", ")}`);
  const order = ["Go to the message field", "New chat", "Settings", "Settings of this chat", "Copy answer", "Message"];
  const places = order.map((name) => names.indexOf(name));
  assert.ok(places.every((place) => place >= 0), `${names.join(", ")} lacks one of ${order.join(", ")}`);
  assert.deepEqual([...places].sort((a, b) => a - b), places, names.join(", "));
  await context.close();
});

test("dialogs keep the focus and give it back", async () => {
  const { page, context } = await openPage(session);
  const opener = page.getByRole("button", { name: "Settings of this chat" });
  await opener.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Settings of this chat" }).waitFor();
  for (let i = 0; i < 30; i += 1) {
    await page.keyboard.press("Tab");
    const outside = await page.evaluate(
      () => document.activeElement !== document.body && !document.activeElement?.closest("dialog"),
    );
    assert.equal(outside, false);
  }
  await page.keyboard.press("Escape");
  await expectCount(page.getByRole("dialog"), 0);
  await expectFocus(page, "Settings of this chat");
  await context.close();
});

test("the list of shortcuts opens with ? and not while typing", async () => {
  const { page, context } = await openPage(session);
  await page.locator("#question").press("?");
  assert.equal(await page.locator("#question").inputValue(), "?");
  await expectCount(page.getByRole("dialog"), 0);
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await context.close();
});

test("screen readers hear a start and an end, not every token", needsMock, async () => {
  const { page, context } = await openPage(session);
  await page.evaluate(() => {
    const region = document.querySelector('.sr-only[role="status"]');
    window.heard = [];
    new MutationObserver(() => window.heard.push(region.textContent)).observe(region, {
      childList: true, characterData: true, subtree: true,
    });
  });
  await askAndWait(page, "write code");
  await page.waitForTimeout(200);
  const heard = await page.evaluate(() => window.heard);
  assert.deepEqual(heard.map((text) => text.replace(/\d+/, "N")), [
    "The answer is coming.",
    "The answer is complete, N words.",
  ]);
  assert.equal(await page.getByRole("log").getAttribute("aria-live"), "off");
  await context.close();
});

test("controls have names, pictures have none, headings do not jump", async () => {
  const { page, context } = await openPage(session);
  await askAndWait(page, "Echo one.");
  const nameless = await page.evaluate(() =>
    [...document.querySelectorAll("button, input, textarea, select, a[href]")]
      .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim() || e.labels?.length || e.hidden))
      .map((e) => e.outerHTML),
  );
  assert.deepEqual(nameless, []);
  const levels = await page.evaluate(() =>
    [...document.querySelectorAll("main :is(h1,h2,h3,h4,h5,h6)")].map((e) => Number(e.tagName[1])),
  );
  levels.reduce((last, level) => (assert.ok(level - last <= 1, levels.join()), level), 1);
  await context.close();
});

for (const colorScheme of ["light", "dark"]) {
  test(`every text has at least 4.5:1 in ${colorScheme} colours`, needsMock, async () => {
    const { page, context } = await openPage(session, { colorScheme });
    assert.deepEqual(await lowContrast(page), []);
    await askAndWait(page, "Why is the sky blue?");
    await askAndWait(page, "write code");
    await askAndWait(page, "error 429");
    assert.deepEqual(await lowContrast(page), []);
    for (const name of ["Settings of this chat", "Settings", "Keyboard shortcuts"]) {
      await page.getByRole("button", { name, exact: true }).click();
      await page.waitForTimeout(250);
      assert.deepEqual(await lowContrast(page), [], name);
      await page.keyboard.press("Escape");
    }
    await context.close();
  });
}

test("the chosen colours win over the system's and survive a reload", async () => {
  const { page, context } = await openPage(session, { colorScheme: "light" });
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  await page.locator("#question").waitFor();
  assert.equal(await ground(), dark);
  await context.close();
});

test("a phone has a drawer and nothing wider than the screen", async () => {
  const { page, context } = await openPage(session, {
    viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true,
  });
  const overflow = () => page.evaluate(() =>
    [...document.querySelectorAll("main *")]
      .filter((e) => !e.closest("pre, .table, .sr-only") && e.getBoundingClientRect().right > innerWidth + 1)
      .map((e) => e.outerHTML.slice(0, 90)),
  );
  assert.deepEqual(await overflow(), []);
  await page.locator("#question").fill("Why is the sky blue?");
  await page.getByRole("button", { name: "Send" }).tap();
  await answered(page);
  assert.deepEqual(await overflow(), []);
  assert.equal(await page.locator(".sidebar").isVisible(), false);
  await page.getByRole("button", { name: "Show conversations" }).tap();
  await page.locator(".sidebar").waitFor({ state: "visible" });
  await page.locator(".entry a").tap();
  await page.locator(".sidebar").waitFor({ state: "hidden" });
  await context.close();
});

test("reduced motion is respected", async () => {
  const { page, context } = await openPage(session, { reducedMotion: "reduce" });
  await ask(page, "Why is the sky blue?");
  const moving = await page.evaluate(() =>
    document.getAnimations().filter((a) => a.effect.getTiming().iterations > 1).length,
  );
  assert.equal(moving, 0);
  await answered(page);
  await context.close();
});

async function expectFocus(page, name) {
  const end = Date.now() + 15_000;
  while (Date.now() < end && (await focusedName(page)) !== name) await page.waitForTimeout(30);
  assert.equal(await focusedName(page), name);
}

function focusedName(page) {
  return page.evaluate(() => {
    const e = document.activeElement;
    if (!e || e === document.body) return "BODY";
    return e.getAttribute("aria-label") || e.textContent.trim();
  });
}
