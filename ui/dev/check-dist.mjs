// The promises of the built page that are easily broken: its size, no inline code, no foreign address.
//
//   node dev/check-dist.mjs      (the last step of `npm run build`)

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const kMaxCompressedBytes = 300 * 1000;
const dist = fileURLToPath(new URL("../dist", import.meta.url));
const problems = [];

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

let total = 0;
for (const path of filesUnder(dist)) {
  const bytes = readFileSync(path);
  const compressed = gzipSync(bytes, { level: 9 }).length;
  total += compressed;
  console.log(`${String(compressed).padStart(8)}  ${path.slice(dist.length + 1)}`);
  if (path.endsWith(".css") && /url\(\s*["']?(https?:)?\/\//.test(bytes.toString())) {
    problems.push(`${path}: fetches from elsewhere`);
  }
}
console.log(`${String(total).padStart(8)}  bytes in all, compressed (limit ${kMaxCompressedBytes})`);
if (total > kMaxCompressedBytes) problems.push(`the page is ${total - kMaxCompressedBytes} bytes too large`);

const html = readFileSync(join(dist, "index.html"), "utf8");
if (/<script(?![^>]*\ssrc=)[^>]*>/.test(html)) problems.push("index.html has an inline script");
if (/<style|\sstyle=/.test(html)) problems.push("index.html has an inline style");
if (/\son[a-z]+=/.test(html)) problems.push("index.html has an inline handler");
if (/(?:src|href)="(?:https?:)?\/\//.test(html)) problems.push("index.html fetches from elsewhere");

for (const problem of problems) console.error(`check-dist: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
