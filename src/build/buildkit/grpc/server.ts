// gRPC's server side of one HTTP/2 stream: finds the method, reads requests, writes answers and the status at the end.
// Whatever a handler throws becomes that status; the connection stays.

import type * as http2 from "node:http2";
import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { batches, messages, put } from "./duplex.ts";
import { frame } from "./frames.ts";
import { readMetadata, readTimeout } from "./metadata.ts";
import type { CallContext, Served, ServiceTable } from "./service.ts";
import { CODE, GrpcError, statusTrailers, toGrpcError } from "./status.ts";

export interface GrpcServerOptions {
  readonly services: readonly ServiceTable[];
  /** Told of what nobody expected. */
  readonly failed: (path: string, error: unknown) => void;
}

export class GrpcServer {
  readonly #methods: ServiceTable;
  readonly #failed: GrpcServerOptions["failed"];

  constructor({ services, failed }: GrpcServerOptions) {
    this.#methods = new Map(services.flatMap((table) => [...table]));
    this.#failed = failed;
  }

  /** Serves one stream of an HTTP/2 connection. */
  serve(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
    if (!String(headers["content-type"] ?? "").startsWith("application/grpc")) {
      stream.respond({ ":status": 415 }, { endStream: true });
      return;
    }
    void this.#run(stream, headers);
  }

  async #run(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): Promise<void> {
    const path = String(headers[":path"] ?? "");
    using call = contextOf(stream, headers);
    const answer = new Answer(stream);
    try {
      const served = this.#methods.get(path);
      if (served === undefined) throw unknownMethod(path, this.#methods);
      const encoding = headers["grpc-encoding"] ?? "identity";
      if (encoding !== "identity") throw new GrpcError(CODE.unimplemented, `compression ${encoding} is not understood`);
      const chosen = typeof served === "function" ? await served(call.context.metadata) : served;
      await respond(chosen, stream, call.context, answer);
      answer.end();
    } catch (thrown) {
      const error = call.expired() ? new GrpcError(CODE.deadlineExceeded, "the deadline passed") : toGrpcError(thrown);
      if (error.code === CODE.internal || error.code === CODE.unknown) this.#failed(path, thrown);
      answer.end(error);
    }
  }
}

/** The shapes of all three kinds of handler, as `service` checked them. */
type AnyHandler = (
  input: unknown,
  context: CallContext,
) => Promise<MessageInitShape<DescMessage>> | AsyncIterable<MessageInitShape<DescMessage>>;

async function respond(
  { method, handler }: Served,
  stream: http2.ServerHttp2Stream,
  context: CallContext,
  answer: Answer,
): Promise<void> {
  if (method === undefined) {
    answer.begin();
    for await (const framed of handler(batches(stream), context)) await answer.put(framed);
    return;
  }
  const requests = decode(stream, method.input);
  const run = handler as AnyHandler;
  if (method.methodKind === "unary" || method.methodKind === "server_streaming") {
    const outcome = run(await single(requests), context);
    if (outcome instanceof Promise) await answer.send(method, await outcome);
    else for await (const message of outcome) await answer.send(method, message);
    return;
  }
  const outcome = run(requests, context) as AsyncIterable<MessageInitShape<DescMessage>>;
  answer.begin();
  for await (const message of outcome) await answer.send(method, message);
}

async function* decode<I extends DescMessage>(stream: http2.ServerHttp2Stream, input: I) {
  for await (const bytes of messages(stream)) yield decodeOne(input, bytes);
}

/** @throws GrpcError when the bytes are no message of that kind. */
export function decodeOne<I extends DescMessage>(input: I, bytes: Uint8Array): MessageShape<I> {
  try {
    return fromBinary(input, bytes);
  } catch (thrown) {
    throw new GrpcError(CODE.internal, `not a ${input.typeName}: ${String(thrown)}`, [], { cause: thrown });
  }
}

async function single(requests: AsyncIterable<Message>): Promise<Message> {
  let found: Message | undefined;
  for await (const request of requests) {
    if (found !== undefined) throw new GrpcError(CODE.internal, "more than one request");
    found = request;
  }
  if (found === undefined) throw new GrpcError(CODE.internal, "no request");
  return found;
}

/** The answer's head goes with its first message; an error before that is a head that is trailers at once. */
class Answer {
  readonly #stream: http2.ServerHttp2Stream;
  #trailers = statusTrailers();
  #begun = false;

  constructor(stream: http2.ServerHttp2Stream) {
    this.#stream = stream;
  }

  begin(): void {
    if (this.#begun || this.#stream.destroyed) return;
    this.#begun = true;
    this.#stream.once("wantTrailers", () => this.#stream.sendTrailers(this.#trailers));
    this.#stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  }

  async send({ output }: DescMethod, message: MessageInitShape<DescMessage>): Promise<void> {
    await this.put(frame(toBinary(output, create(output, message))));
  }

  async put(framed: Uint8Array): Promise<void> {
    this.begin();
    await put(this.#stream, framed);
  }

  end(error?: GrpcError): void {
    if (this.#stream.destroyed || this.#stream.closed) return;
    this.#trailers = statusTrailers(error);
    if (this.#begun) {
      this.#stream.end();
      return;
    }
    if (error !== undefined) {
      const head = { ":status": 200, "content-type": "application/grpc", ...this.#trailers };
      this.#begun = true;
      this.#stream.respond(head, { endStream: true });
      return;
    }
    this.begin();
    this.#stream.end();
  }
}

function contextOf(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) {
  const controller = new AbortController();
  const timeout = readTimeout(headers["grpc-timeout"]?.toString());
  let expired = false;
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          expired = true;
          controller.abort(new GrpcError(CODE.deadlineExceeded, "the deadline passed"));
        }, timeout);
  timer?.unref();
  const gone = () => controller.abort(new GrpcError(CODE.cancelled, "the client went away"));
  stream.once("close", gone);
  stream.once("aborted", gone);
  return {
    context: { metadata: readMetadata(headers), signal: controller.signal },
    expired: () => expired,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      stream.removeListener("close", gone);
      stream.removeListener("aborted", gone);
    },
  };
}

function unknownMethod(path: string, methods: ServiceTable): GrpcError {
  const [, name = "", method = ""] = path.slice(0, 200).split("/");
  const known = [...methods.keys()].some((each) => each.startsWith(`/${name}/`));
  const what = known ? `unknown method ${method} for service ${name}` : `unknown service ${name}`;
  return new GrpcError(CODE.unimplemented, what);
}
