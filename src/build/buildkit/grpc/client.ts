// gRPC's client side over a connection that is already there: the client of a build serves its session on the very
// connection that it opened, and the engine calls. When the connection goes, every call on it ends.

import * as http2 from "node:http2";
import type { Duplex } from "node:stream";
import {
  create,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { batches, put } from "./duplex.ts";
import { frame } from "./frames.ts";
import { type Metadata, writeMetadata } from "./metadata.ts";
import { decodeOne } from "./server.ts";
import { methodPath } from "./service.ts";
import { CODE, GrpcError, readTrailers } from "./status.ts";

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly metadata?: Metadata;
  /** In place of the method's own: another method that takes the same messages. */
  readonly path?: string;
}

/** A call whose both sides speak as they like, in bytes. */
export interface OpenBytes {
  /** Messages, each framed (see frames.ts). */
  sendFramed(framed: Uint8Array): Promise<void>;
  /** Closes our half. */
  end(): void;
  /** As many at once as have come, until the other side ends well. @throws GrpcError with the status it ended with otherwise. */
  readonly batches: AsyncIterable<readonly Uint8Array[]>;
  /** Lets go of the call, whatever its state. */
  cancel(): void;
}

/** The same in messages. */
export interface OpenCall<M extends DescMethod> extends OpenBytes {
  /** Several at once go out as one write. */
  send(...messages: MessageInitShape<M["input"]>[]): Promise<void>;
  /** In place of `batches`. */
  readonly answers: AsyncIterable<MessageShape<M["output"]>>;
}

/**
 * What the other side may send before it is answered. HTTP/2's own 64 KiB would have it wait for us, and us for it, more
 * than a thousand times in a context of a hundred megabytes. Bytes.
 */
const STREAM_WINDOW = 2 * 1024 * 1024;
const CONNECTION_WINDOW = 4 * 1024 * 1024;
/** Of one DATA frame; in place of 16 KiB, for those who make use of it. */
const FRAME_SIZE = 256 * 1024;

export class GrpcClient {
  readonly #session: http2.ClientHttp2Session;
  readonly closed: AbortSignal;

  /** @param failed is told of errors of the connection; its calls fail by themselves. */
  constructor(socket: Duplex, failed: (error: Error) => void) {
    const controller = new AbortController();
    this.closed = controller.signal;
    const settings = { initialWindowSize: STREAM_WINDOW, maxFrameSize: FRAME_SIZE };
    this.#session = http2.connect("http://localhost", { createConnection: () => socket, settings });
    this.#session.once("connect", () => this.#session.setLocalWindowSize(CONNECTION_WINDOW));
    this.#session.on("error", failed);
    const gone = () => controller.abort(new GrpcError(CODE.unavailable, "the client of the build went away"));
    this.#session.once("close", gone);
    socket.once("close", gone);
  }

  close(): void {
    this.#session.destroy();
  }

  /** @throws GrpcError */
  async unary<M extends DescMethod>(
    method: M,
    request: MessageInitShape<M["input"]>,
    options: CallOptions,
  ): Promise<MessageShape<M["output"]>> {
    const bytes = toBinary(method.input, create(method.input, request));
    const answer = await this.unaryBytes(options.path ?? methodPath(method), bytes, options);
    return decodeOne(method.output, answer) as MessageShape<M["output"]>;
  }

  /** @throws GrpcError */
  async unaryBytes(path: string, request: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    const call = this.openBytes(path, options);
    try {
      await call.sendFramed(frame(request));
      call.end();
      let found: Uint8Array | undefined;
      for await (const batch of call.batches) found = batch.at(-1) ?? found;
      if (found === undefined) throw new GrpcError(CODE.internal, `${path} answered nothing`);
      return found;
    } finally {
      call.cancel();
    }
  }

  open<M extends DescMethod>(method: M, options: CallOptions): OpenCall<M> {
    const call = this.openBytes(options.path ?? methodPath(method), options);
    return {
      ...call,
      send: (...given) => call.sendFramed(framed(method.input, given)),
      answers: decoded(method, call.batches),
    };
  }

  openBytes(path: string, { signal, metadata = new Map() }: Omit<CallOptions, "path">): OpenBytes {
    this.closed.throwIfAborted();
    signal.throwIfAborted();
    const stream = this.#session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...writeMetadata(metadata),
    });
    // What a stream dies of is told to whoever reads its answers.
    stream.on("error", () => undefined);
    const cancel = () => {
      // Both halves ended: it closes by itself, and a reset then would be an error of the whole connection to some.
      if (!stream.closed && !(ending.read && stream.writableEnded)) stream.close(http2.constants.NGHTTP2_CANCEL);
    };
    signal.addEventListener("abort", cancel, { once: true });
    this.closed.addEventListener("abort", cancel, { once: true });
    stream.once("close", () => {
      signal.removeEventListener("abort", cancel);
      this.closed.removeEventListener("abort", cancel);
    });
    const ending: Ending = { read: false, known: false, error: undefined };
    return {
      sendFramed: (bytes) => put(stream, bytes),
      end: () => void stream.end(),
      batches: batchesOf(stream, ending, [signal, this.closed]),
      cancel,
    };
  }
}

function framed<I extends DescMessage>(input: I, messages: readonly MessageInitShape<I>[]): Buffer {
  const frames = messages.map((message) => frame(toBinary(input, create(input, message))));
  const [only] = frames;
  return frames.length === 1 && only !== undefined ? only : Buffer.concat(frames);
}

/** How the other side ended a call. */
interface Ending {
  /** All it said was read. */
  read: boolean;
  /** It gave a status. */
  known: boolean;
  error: GrpcError | undefined;
}

/** Listens from the start: the head may come before anybody reads. */
function batchesOf(
  stream: http2.ClientHttp2Stream,
  ending: Ending,
  signals: readonly AbortSignal[],
): OpenBytes["batches"] {
  const take = (headers: http2.IncomingHttpHeaders) => {
    const status = Number(headers[":status"] ?? 200);
    if (headers["grpc-status"] !== undefined) Object.assign(ending, { known: true, error: readTrailers(headers) });
    else if (status !== 200) {
      Object.assign(ending, { known: true, error: new GrpcError(CODE.unavailable, `HTTP status ${status}`) });
    }
  };
  stream.on("response", take);
  stream.on("trailers", take);
  const closed = new Promise<void>((resolve) => void stream.once("close", resolve));
  async function* read(): AsyncGenerator<readonly Uint8Array[], void, void> {
    try {
      yield* batches(stream);
    } catch (thrown) {
      for (const signal of signals) signal.throwIfAborted();
      // A status that came before the cut says more than the cut.
      throw ending.error ?? thrown;
    }
    ending.read = true;
    if (!ending.known) await closed;
    for (const signal of signals) signal.throwIfAborted();
    if (!ending.known) throw new GrpcError(CODE.unavailable, "the call ended without a status");
    if (ending.error !== undefined) throw ending.error;
  }
  return read();
}

async function* decoded<M extends DescMethod>(
  { output }: M,
  batches: OpenBytes["batches"],
): AsyncGenerator<MessageShape<M["output"]>, void, void> {
  for await (const batch of batches) {
    for (const bytes of batch) yield decodeOne(output, bytes) as MessageShape<M["output"]>;
  }
}
