// The page of a pipeline that runs: figures, what is unusual, approvals; for a phone and without a mouse, too.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { lowContrast } from "./contrast.mjs";

const program = process.env.QUERN;
const needsProgram = { skip: program ? false : "needs the real program (QUERN)" };

// Every verdict of this model is the same: an alarm that asks for an action.
const kVerdict = {
  anomaly: true, class: "hardware", severity: "critical", confidence: 0.9,
  reason: "a disk says that it is broken", action: "page-us",
};

function pipelineFile(folder) {
  return `
[model]
fake = "script.json"

[[input]]
name = "lines"
type = "tail"
path = "${folder}/app.log"
read_from_head = true
refresh_interval = "200ms"

[[filter]]
name = "watch"
type = "insight"
model = "fake"
window = "1s"

[[filter.action]]
name = "page-us"
type = "alert"
dry_run = false

[[output]]
name = "kept"
type = "file"
path = "${folder}/out.log"

[[output]]
name = "away"
type = "http"
url = "http://127.0.0.1:9/"
`;
}

let folder, pipeline, browser, url;

before(async () => {
  if (!program) return;
  folder = mkdtempSync(join(tmpdir(), "quern-pipe-page-"));
  writeFileSync(join(folder, "script.json"), JSON.stringify([{ say: [JSON.stringify(kVerdict)] }]));
  writeFileSync(join(folder, "app.log"), "");
  const file = join(folder, "pipe.toml");
  writeFileSync(file, pipelineFile(folder));
  pipeline = spawn(program, ["pipe", file], { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, HOME: folder } });
  const address = join(folder, "pipe.state", "control", "address");
  for (let i = 0; i < 300 && !existsSync(address); i += 1) await new Promise((later) => setTimeout(later, 100));
  const [host, token] = readFileSync(address, "utf8").split("\n");
  url = `${host}/#${token}`;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  appendFileSync(join(folder, "app.log"), "INFO started in 12 ms\nINFO started in 13 ms\nCRITICAL disk 4 is broken\n");
});

after(async () => {
  await browser?.close();
  if (pipeline && pipeline.exitCode === null) {
    pipeline.kill();
    await new Promise((over) => pipeline.once("exit", over));
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => message.type() === "error" && !/503|ERR_/.test(message.text()) && problems.push(message.text()));
  await page.goto(url);
  await page.getByRole("heading", { name: /^watch insight$/ }).waitFor({ timeout: 30_000 });
  return { page, context, problems };
}

test("stages, their figures, and what does not work", needsProgram, async () => {
  const { page, context, problems } = await open();
  await page.getByText("all works").or(page.getByText("1 stage does not work")).first().waitFor();
  const lines = page.locator(".stage", { hasText: "lines" });
  await page.waitForFunction(() => /\bin\s*3\b/.test(document.querySelector(".stage").innerText));
  assert.match(await lines.innerText(), /tail/);
  await page.getByText("1 stage does not work").waitFor({ timeout: 30_000 });
  assert.equal(await page.locator(".stage.ailing").count(), 1);
  assert.ok(!page.url().includes("#"), "the token does not stay in the address");
  assert.deepEqual(problems, []);
  await context.close();
});

test("what is unusual is explained, waits for approval, and a person's word counts", needsProgram, async () => {
  const { page, context, problems } = await open();
  const item = page.locator(".item", { hasText: "disk 4 is broken" }).first();
  await item.waitFor({ timeout: 60_000 });
  await page.getByText("a disk says that it is broken").first().waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Approve" }).first().waitFor({ timeout: 60_000 });
  for (let left = await page.getByRole("button", { name: "Approve" }).count(); left > 0; left -= 1) {
    await page.getByRole("button", { name: "Approve" }).first().click();
    await page.waitForFunction((n) => document.querySelectorAll(".button.strong").length < n, left);
  }
  for (let i = 0; i < 100 && !readFileSync(join(folder, "out.log"), "utf8").includes("page-us"); i += 1) {
    await new Promise((later) => setTimeout(later, 100));
  }
  assert.match(readFileSync(join(folder, "out.log"), "utf8"), /page-us/, "the alert is a record");
  assert.deepEqual(problems, []);
  await context.close();
});

test("every text has contrast, in both themes", needsProgram, async () => {
  for (const colorScheme of ["light", "dark"]) {
    const { page, context } = await open({ colorScheme });
    assert.deepEqual(await lowContrast(page), [], colorScheme);
    await context.close();
  }
});

test("nothing is wider than a phone", needsProgram, async () => {
  const { page, context } = await open({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, "pipe-phone.png"), fullPage: true });
  await context.close();
});

test("without its token the page says what to do", needsProgram, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(url.replace(/#.*/, ""));
  assert.match(await page.getByRole("alert").innerText(), /quern pipe ui FILE.toml/);
  await context.close();
});
