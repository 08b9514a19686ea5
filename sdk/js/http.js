// wasi:http for a service that answers with text: one request, one answer, in pieces.
//
//     export const incomingHandler = http.handler((request, response) => {
//       response.start(200, "text/plain");
//       response.write("hello");
//     });
import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from "wasi:http/types@0.2.12";

import { QuernError } from "./quern.js";

const CHUNK = 4096; // bytes that one blocking write may carry, as wasi:io says
const STATUS = {
  "invalid-argument": 400, "permission-denied": 403, "model-not-found": 404, "context-full": 413,
  overloaded: 503, "budget-exhausted": 503, "deadline-exceeded": 504,
};

/** An answer that is an error: its HTTP status, and a text for people. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Nobody reads any more. */
export class ClientGone extends Error {}

export class Request {
  #raw;

  constructor(raw) {
    this.#raw = raw;
    const { tag, val } = raw.method();
    this.method = tag === "other" ? val : tag.toUpperCase();
    this.path = (raw.pathWithQuery() ?? "/").split("?")[0];
  }

  /** The whole body. Refused when it has more than `limit` bytes, breaks off, or is no UTF-8. */
  text(limit) {
    const body = this.#raw.consume();
    const stream = body.stream();
    const chunks = [];
    for (let size = 0; ; ) {
      let chunk;
      try {
        chunk = stream.blockingRead(BigInt(CHUNK));
      } catch (end) {
        if (end.payload?.tag === "closed") break;
        throw new Refused(400, "the request's body broke off");
      }
      size += chunk.length;
      if (size > limit) throw new Refused(413, `the request's body is larger than ${limit} bytes`);
      chunks.push(chunk);
    }
    stream[Symbol.dispose]();
    return decoded(chunks);
  }
}

function decoded(chunks) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
  } catch {
    throw new Refused(400, "the request's body is not UTF-8");
  }
}

export class Response {
  #out;
  #body;
  #stream;

  constructor(out) {
    this.#out = out;
  }

  get started() {
    return this.#body !== undefined;
  }

  start(status, contentType) {
    const fields = Fields.fromList([["content-type", new TextEncoder().encode(contentType)]]);
    const response = new OutgoingResponse(fields);
    response.setStatusCode(status);
    this.#body = response.body();
    ResponseOutparam.set(this.#out, { tag: "ok", val: response });
    this.#stream = this.#body.write();
  }

  /** Sends it now. ClientGone when nobody reads any more. */
  write(text) {
    const bytes = new TextEncoder().encode(text);
    for (let begin = 0; begin < bytes.length; begin += CHUNK) {
      try {
        this.#stream.blockingWriteAndFlush(bytes.subarray(begin, begin + CHUNK));
      } catch {
        throw new ClientGone();
      }
    }
  }

  /** Without it the client is told that the answer broke off. */
  finish() {
    this.#stream[Symbol.dispose]();
    OutgoingBody.finish(this.#body, undefined);
  }
}

/** What wasi:http asks for. What `answer` throws before it has started the response is told the client. */
export function handler(answer) {
  return {
    handle(raw, out) {
      const response = new Response(out);
      try {
        answer(new Request(raw), response);
      } catch (problem) {
        if (problem instanceof ClientGone) return;
        const known = problem instanceof Refused || problem instanceof QuernError;
        // Too late to say it: the client sees that the answer broke off, the host's log says why.
        if (response.started || !known) throw problem;
        response.start(problem.status ?? STATUS[problem.kind] ?? 500, "application/json");
        response.write(JSON.stringify({ error: problem.message }));
      }
      response.finish();
    },
  };
}
