// Asks the model that its host lends.
import { getArguments } from "wasi:cli/environment@0.2.12";
import { exit } from "wasi:cli/exit@0.2.12";
import { getStdout } from "wasi:cli/stdout@0.2.12";

import * as quern from "./quern/quern.js";

const usage = `usage: @NAME@ QUESTION                  the answer, as it is written
       @NAME@ --brief QUESTION          its first sentence
       @NAME@ --clock QUESTION          the model may look at the clock
       @NAME@ --closest TEXT OTHER...   which of the others is nearest in meaning`;

let stdout; // taken when the program runs: this file is read when it is built
function print(text) {
  stdout ??= getStdout();
  stdout.blockingWriteAndFlush(new TextEncoder().encode(text));
}

function ask(question) {
  for (const piece of quern.open().stream(question, { temperature: 0, maxTokens: 200 })) print(piece);
  print("\n");
}

function brief(question) {
  const stream = quern.open().stream(question, { temperature: 0 });
  let text = "";
  while (!text.includes(".")) text += stream.next().value ?? ".";
  stream.cancel();
  print(text.slice(0, text.indexOf(".") + 1) + "\n");
  console.error(`${stream.whole().usage.completionTokens} tokens`);
}

const clock = {
  name: "clock",
  description: "Says what time it is.",
  parameters: {
    type: "object",
    properties: { zone: { type: "string", description: "the name of a time zone, as in UTC" } },
    required: ["zone"],
  },
  call({ zone }) {
    if (zone !== "UTC") return `nobody here knows the time in ${zone}`;
    return `${new Date().toISOString().slice(11, 16)} in UTC`;
  },
};

function askWithClock(question) {
  print(quern.open().chat(question, { tools: [clock], temperature: 0, maxTokens: 200 }).text + "\n");
}

function closest(text, others) {
  const [wanted, ...vectors] = quern.open().embed([text, ...others]).vectors;
  const likeness = vectors.map((vector) => vector.reduce((sum, x, i) => sum + x * wanted[i], 0));
  print(others[likeness.indexOf(Math.max(...likeness))] + "\n");
}

function main([first, ...rest]) {
  if (first === "--brief" && rest.length === 1) return brief(rest[0]);
  if (first === "--clock" && rest.length === 1) return askWithClock(rest[0]);
  if (first === "--closest" && rest.length > 1) return closest(rest[0], rest.slice(1));
  if (first && !first.startsWith("-") && !rest.length) return ask(first);
  throw new Error(usage);
}

export const run = {
  run() {
    try {
      main(getArguments().slice(1));
    } catch (problem) {
      console.error(problem instanceof quern.QuernError ? `@NAME@: ${problem.message}` : problem.message);
      exit({ tag: "err" });
    }
  },
};
