// What a service is made of: a handler for each method, typed by the service's description, and a table by path.

import type { DescMessage, DescMethod, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Metadata } from "./metadata.ts";
import { CODE, GrpcError } from "./status.ts";

export interface CallContext {
  readonly metadata: Metadata;
  /** Fires when the client goes, or its deadline passes. */
  readonly signal: AbortSignal;
}

type Unary<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => Promise<MessageInitShape<O>>;

type ServerStreaming<I extends DescMessage, O extends DescMessage> = (
  request: MessageShape<I>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;

type Bidi<I extends DescMessage, O extends DescMessage> = (
  requests: AsyncIterable<MessageShape<I>>,
  context: CallContext,
) => AsyncIterable<MessageInitShape<O>>;

export type Handler<M extends DescMethod> = M extends { methodKind: "unary" }
  ? Unary<M["input"], M["output"]>
  : M extends { methodKind: "server_streaming" }
    ? ServerStreaming<M["input"], M["output"]>
    : Bidi<M["input"], M["output"]>;

export type Handlers<S extends DescService> = { readonly [K in keyof S["method"]]?: Handler<S["method"][K]> };

/** A method that is served; its shape is known to the handler only. */
export type Served =
  | { readonly method: DescMethod; readonly handler: unknown }
  | { readonly method: undefined; readonly handler: BytesHandler };

/**
 * Both sides speak as they like, in bytes: requests as many at once as have come, answers framed (see frames.ts). For
 * messages so many that an object for each would cost more than what they say.
 */
export type BytesHandler = (
  requests: AsyncIterable<readonly Uint8Array[]>,
  context: CallContext,
) => AsyncIterable<Uint8Array>;

export function bytesService(path: string, handler: BytesHandler): ServiceTable {
  return new Map([[path, { method: undefined, handler }]]);
}

/** What is only made when it is asked for: most of what a client can do is not asked of it. */
export function lateService(paths: readonly string[], load: () => Promise<ServiceTable>): ServiceTable {
  const choose = (path: string) => async (metadata: Metadata) => {
    const served = (await load()).get(path);
    if (served === undefined) throw new GrpcError(CODE.unimplemented, `unknown method ${path}`);
    return typeof served === "function" ? served(metadata) : served;
  };
  return new Map(paths.map((path) => [path, choose(path)]));
}

/** Which of several it is, by the metadata: the messages of some paths are of several kinds. */
export type Choice = (metadata: Metadata) => Served | Promise<Served>;

/** Path ("/package.Service/Method") → what serves it. */
export type ServiceTable = ReadonlyMap<string, Served | Choice>;

export function service<S extends DescService>(description: S, handlers: Handlers<S>): ServiceTable {
  const table = new Map<string, Served>();
  for (const method of description.methods) {
    const handler = handlers[method.localName as keyof S["method"]];
    if (handler !== undefined) table.set(methodPath(method), { method, handler });
  }
  return table;
}

export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}
