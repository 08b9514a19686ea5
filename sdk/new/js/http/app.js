// How does a text sound? POST it, and read the verdict as JSON while the model writes it.
import * as http from "./quern/http.js";
import * as quern from "./quern/quern.js";

/** @typedef {{sentiment: "positive" | "neutral" | "negative", confidence: number, reason: string}} Verdict */
const verdictSchema = {
  type: "object",
  properties: {
    sentiment: { enum: ["positive", "neutral", "negative"] },
    confidence: { type: "integer", minimum: 0, maximum: 100 }, // percent
    reason: { type: "string", maxLength: 120 },
  },
  required: ["sentiment", "confidence", "reason"],
  additionalProperties: false,
};

function answer(request, response) {
  if (request.method !== "POST") throw new http.Refused(405, "POST a text to this address");
  const text = request.text(64 * 1024);
  if (!text.trim()) throw new http.Refused(400, "the text is empty");
  const stream = quern.open().stream(text, {
    system: "Judge how the user's text sounds, and say in one sentence why.",
    schema: verdictSchema,
    temperature: 0,
    maxTokens: 300,
  });
  // A client that leaves ends this instance, and the model stops.
  for (const piece of stream) {
    if (!response.started) response.start(200, "application/json");
    response.write(piece);
  }
  /** @type {Verdict} */
  const verdict = stream.value();
  console.log(`${verdict.sentiment}, ${verdict.confidence} %, ${stream.whole().usage.completionTokens} tokens`);
}

export const incomingHandler = http.handler(answer);
