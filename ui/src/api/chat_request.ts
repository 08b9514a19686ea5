// The body of POST /v1/chat/completions.

import type { Message, Setup } from "../model/types";

export interface WireMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

const kGoOn =
  "Your last answer was cut off. Go on exactly where it stopped. " +
  "Do not repeat anything and do not apologise.";

/** `history` ends with the question to answer. Answers of which nothing came are left out. */
export function chatRequest(setup: Setup, model: string, history: readonly Message[]): object {
  return request(setup, model, wireMessages(setup.system, history));
}

/**
 * Asks for the rest of `history`'s last answer. The API has no word for "go on with this message",
 * so the model is asked in words; the answer is appended to what is there.
 */
export function goOnRequest(setup: Setup, model: string, history: readonly Message[]): object {
  const messages = wireMessages(setup.system, history);
  return request(setup, model, [...messages, { role: "user", content: kGoOn }]);
}

export function wireMessages(system: string, history: readonly Message[]): WireMessage[] {
  const messages: WireMessage[] = [];
  if (system.trim() !== "") messages.push({ role: "system", content: system });
  for (const { role, text } of history) {
    if (role === "assistant" && text === "") continue;
    messages.push({ role, content: text });
  }
  return messages;
}

function request(setup: Setup, model: string, messages: readonly WireMessage[]): object {
  const { stop, ...numbers } = setup.sampling;
  return {
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    ...numbers,
    ...(stop && stop.length > 0 ? { stop } : {}),
  };
}
