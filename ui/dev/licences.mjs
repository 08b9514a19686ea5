// Writes dist/licences.txt: the licence of every library whose code is in the built page.
//
//   node dev/licences.mjs        (a step of `npm run build`; the settings dialog links to it)

import { readFileSync, readdirSync, writeFileSync } from "node:fs";

const root = new URL("../", import.meta.url);
const own = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));

/** Dependencies and what they need in turn; what only builds or tests the page is not shipped. */
function shipped(names, found = new Set()) {
  for (const name of names) {
    if (found.has(name)) continue;
    found.add(name);
    const about = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, root), "utf8"));
    shipped(Object.keys(about.dependencies ?? {}), found);
  }
  return found;
}

function notice(name) {
  const folder = new URL(`node_modules/${name}/`, root);
  const about = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)(\.|$)/i.test(entry));
  if (!file) throw new Error(`${name} brings no licence text`);
  const text = readFileSync(new URL(file, folder), "utf8").trim();
  return `${name} ${about.version} (${about.license})\n\n${text}\n`;
}

const head = "The chat page of Quern contains the following libraries.\n";
const rule = `\n${"-".repeat(78)}\n\n`;
const names = [...shipped(Object.keys(own.dependencies))].sort();
writeFileSync(new URL("dist/licences.txt", root), [head, ...names.map(notice)].join(rule));
