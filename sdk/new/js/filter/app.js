// Leaves out what was only for debugging, makes many events of one that holds a list, and asks the model for a word about
// the others where the pipeline's file says ask = "true".
import { count, of, outcome } from "./quern/filter.js";
import * as quern from "./quern/quern.js";

class Sieve {
  constructor(options) {
    const unknown = Object.keys(options).find((name) => name !== "ask");
    if (unknown) throw new Error(`there is no option ${unknown}; there is ask`);
    this.llm = options.ask === "true" ? quern.open() : undefined;
  }

  process(event) {
    if (event.body.level === "debug") {
      count("debug_lines");
      return outcome.drop;
    }
    const { items, ...rest } = event.body;
    const body = { ...rest, by: "@NAME@" };
    if (Array.isArray(items)) return outcome.replace(items.map((item) => event.with({ ...body, item })));
    if (this.llm) body.word = ask(this.llm, JSON.stringify(event.body));
    return outcome.change(items === undefined ? body : { ...body, items });
  }
}

function ask(llm, record) {
  const system = "Say in one word what this log record is about.";
  return llm.chat(record, { system, temperature: 0, maxTokens: 8 }).text.trim();
}

export const filter = of(Sieve);
