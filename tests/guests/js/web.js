// A wasi:http service made by jco: the same service as python/web.py.
//
// Written against wasi:http itself and not against fetch events, so that it streams in both
// directions.
import {
  Fields,
  OutgoingBody,
  OutgoingRequest,
  OutgoingResponse,
  ResponseOutparam,
} from "wasi:http/types@0.2.12";
import { handle as send } from "wasi:http/outgoing-handler@0.2.12";

const encoder = new TextEncoder();
let visits = 0; // by this instance; a fresh one has had none
const chunkBytes = 4096n; // what one blocking write may carry

function start(out, status) {
  const response = new OutgoingResponse(
    Fields.fromList([["content-type", encoder.encode("text/plain")]]),
  );
  response.setStatusCode(status);
  const body = response.body();
  ResponseOutparam.set(out, { tag: "ok", val: response });
  return { body, stream: body.write() };
}

function finish({ body, stream }) {
  stream[Symbol.dispose]();
  OutgoingBody.finish(body, undefined);
}

function respond(out, status, text) {
  const sink = start(out, status);
  sink.stream.blockingWriteAndFlush(encoder.encode(text));
  finish(sink);
}

function copy(body, sink) {
  const source = body.stream();
  for (;;) {
    let chunk;
    try {
      chunk = source.blockingRead(chunkBytes);
    } catch (error) {
      if (error.payload?.tag === "closed") break;
      throw error;
    }
    sink.stream.blockingWriteAndFlush(chunk);
  }
  source[Symbol.dispose]();
}

function fetchInto(out, authority, path) {
  const request = new OutgoingRequest(new Fields());
  request.setScheme({ tag: "HTTP" });
  request.setAuthority(authority);
  request.setPathWithQuery(path);
  let answer;
  try {
    const future = send(request, undefined);
    future.subscribe().block();
    answer = future.get().val;
  } catch (error) {
    answer = { tag: "err", val: error.payload };
  }
  if (answer.tag === "err") return respond(out, 502, `${answer.val?.tag}\n`);
  const sink = start(out, answer.val.status());
  copy(answer.val.consume(), sink);
  finish(sink);
}

function route(request, out) {
  const [path, search = ""] = (request.pathWithQuery() ?? "/").split("?");
  const query = Object.fromEntries(
    search.split("&").map((pair) => pair.split("=").map(decodeURIComponent)),
  );
  switch (path) {
    case "/hello":
      return respond(out, 200, "hello from javascript\n");
    case "/visits":
      return respond(out, 200, `visit ${++visits}\n`);
    case "/echo": {
      const sink = start(out, 200);
      copy(request.consume(), sink);
      return finish(sink);
    }
    case "/count": {
      const sink = start(out, 200);
      for (let line = 0; line < Number(query.n); line++) {
        sink.stream.blockingWriteAndFlush(encoder.encode(`line ${line}\n`));
      }
      return finish(sink);
    }
    case "/header": {
      const decoder = new TextDecoder();
      const values = request.headers().get(query.name).map((value) => decoder.decode(value));
      return respond(out, 200, `${values.join(",")}\n`);
    }
    case "/fetch":
      return fetchInto(out, query.authority, query.path ?? "/");
    case "/trap":
      throw new Error("the guest gives up");
    case "/spin":
      for (;;);
    default:
      return respond(out, 404, "no such path\n");
  }
}

export const incomingHandler = { handle: route };
