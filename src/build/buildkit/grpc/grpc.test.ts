// Both ends of gRPC over a real socket: unary, streams both ways, statuses with details, deadlines, cancellation,
// messages of every size, and what is not gRPC.

import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import * as http2 from "node:http2";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HoyError } from "../../../base/error.ts";
import { Control } from "../proto/gen/control_pb.ts";
import { Upload } from "../proto/gen/upload_pb.ts";
import { GrpcClient } from "./client.ts";
import { MESSAGE_LIMIT } from "./frames.ts";
import { GrpcServer } from "./server.ts";
import { type CallContext, type ServiceTable, service } from "./service.ts";
import { CODE, GrpcError } from "./status.ts";

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const never = new AbortController().signal;

async function pair(...services: ServiceTable[]): Promise<GrpcClient> {
  const folder = mkdtempSync(join(tmpdir(), "hoy-grpc-"));
  cleanups.push(() => rmSync(folder, { recursive: true }));
  const door = http2.createServer();
  const server = new GrpcServer({ services, failed: () => undefined });
  door.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on("error", () => undefined);
    server.serve(stream, headers);
  });
  const path = join(folder, "socket");
  const net: Server = createServer((socket: Socket) => void door.emit("connection", socket));
  await new Promise<void>((resolve) => void net.listen(path, resolve));
  cleanups.push(() => void net.close());
  const client = new GrpcClient(connect(path), () => undefined);
  cleanups.push(() => client.close());
  return client;
}

test("a unary call brings its answer, and its metadata arrives", async () => {
  let seen: CallContext | undefined;
  const client = await pair(
    service(Control, {
      listWorkers: async ({ filter }, context) => {
        seen = context;
        return { record: filter.map((id) => ({ id, labels: { a: "b" } })) };
      },
    }),
  );
  const metadata = new Map([["include-patterns", ["a", "b"]]]);
  const answer = await client.unary(Control.method.listWorkers, { filter: ["x", "ü"] }, { signal: never, metadata });
  expect(answer.record.map(({ id }) => id)).toEqual(["x", "ü"]);
  expect(answer.record[0]?.labels).toEqual({ a: "b" });
  expect(seen?.metadata.get("include-patterns")?.join(", ")).toBe("a, b");
});

test("an error is a status: its code, its text whatever its letters, its details", async () => {
  const value = Buffer.from('{"info":{}}');
  const client = await pair(
    service(Control, {
      info: async () => {
        throw new GrpcError(CODE.notFound, "no 100% größer\nfile", [{ typeUrl: "example.com/x+json", value }]);
      },
      diskUsage: async () => {
        throw new HoyError("not-implemented", "is not there yet", { hint: "wait" });
      },
    }),
  );
  const failed = await client.unary(Control.method.info, {}, { signal: never }).catch((thrown: unknown) => thrown);
  if (!(failed instanceof GrpcError)) throw failed;
  expect({ code: failed.code, message: failed.message }).toEqual({ code: 5, message: "no 100% größer\nfile" });
  expect(failed.details.map(({ typeUrl }) => typeUrl)).toEqual(["example.com/x+json"]);
  expect(Buffer.from(failed.details[0]?.value ?? []).toString()).toBe('{"info":{}}');
  const other = client.unary(Control.method.diskUsage, {}, { signal: never });
  expect(await other.catch(String)).toContain("is not there yet (wait)");
});

test("unknown services and methods are told apart", async () => {
  const client = await pair(service(Control, { info: async () => ({}) }));
  const call = client.unary(Control.method.diskUsage, {}, { signal: never });
  expect(await call.catch(String)).toContain("unknown method DiskUsage for service moby.buildkit.v1.Control");
  const other = client.open(Upload.method.pull, { signal: never });
  other.end();
  const reading = (async () => {
    for await (const _ of other.answers) throw new Error("an answer");
  })();
  expect(await reading.catch(String)).toContain("unknown service moby.upload.v1.Upload");
});

test("a stream of answers, with an error behind the first", async () => {
  const client = await pair(
    service(Control, {
      async *prune() {
        yield { id: "one", size: 5n };
        yield { id: "two", size: 2n ** 40n };
        throw new HoyError("invalid", "then it broke");
      },
    }),
  );
  const call = client.open(Control.method.prune, { signal: never });
  await call.send({ all: true });
  call.end();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { id, size } of call.answers) seen.push(`${id} ${size}`);
  })();
  expect(await reading.catch(String)).toContain("then it broke");
  expect(seen).toEqual(["one 5", "two 1099511627776"]);
});

test("both sides speak as they like, in pieces of every size", async () => {
  const client = await pair(
    service(Upload, {
      async *pull(requests) {
        for await (const { data } of requests) yield { data };
      },
    }),
  );
  const call = client.open(Upload.method.pull, { signal: never });
  const sizes = [0, 1, 5, 16_379, 16_384, 65_535, 1_000_000, 4_000_000];
  const sending = (async () => {
    for (const size of sizes) await call.send({ data: new Uint8Array(size).fill(size % 251) });
    call.end();
  })();
  const got: number[] = [];
  for await (const { data } of call.answers) {
    expect(data.every((byte) => byte === data.length % 251)).toBe(true);
    got.push(data.length);
  }
  await sending;
  expect(got).toEqual(sizes);
});

test("a message beyond the limit is refused by who would send it", async () => {
  const client = await pair(service(Control, { info: async () => ({}) }));
  const call = client.open(Upload.method.pull, { signal: never });
  expect(() => call.send({ data: new Uint8Array(MESSAGE_LIMIT + 1) })).toThrow("is more than");
  call.cancel();
  expect(await client.unary(Control.method.info, {}, { signal: never })).toBeDefined();
});

test("a cancelled call is cancelled on the other side, the connection goes on", async () => {
  const cancelled = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const client = await pair(
    service(Control, {
      info: async () => ({}),
      solve: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          begun.resolve();
          signal.addEventListener("abort", () => {
            cancelled.resolve();
            reject(signal.reason);
          });
        }),
    }),
  );
  const controller = new AbortController();
  const call = client.unary(Control.method.solve, {}, { signal: controller.signal });
  call.catch(() => undefined);
  await begun.promise;
  controller.abort(new HoyError("cancelled", "enough"));
  expect(await call.catch(String)).toContain("enough");
  await cancelled.promise;
  expect(await client.unary(Control.method.info, {}, { signal: never })).toBeDefined();
});

test("a deadline ends the call with its status", async () => {
  const client = await pair(
    service(Control, {
      solve: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    }),
  );
  const metadata = new Map([["grpc-timeout", ["20m"]]]);
  const failed = await client
    .unary(Control.method.solve, {}, { signal: never, metadata })
    .catch((thrown: unknown) => thrown);
  expect(failed).toMatchObject({ code: CODE.deadlineExceeded });
});

test("calls end when the connection goes", async () => {
  const client = await pair(service(Control, { solve: () => new Promise(() => undefined) }));
  const call = client.unary(Control.method.solve, {}, { signal: never });
  setTimeout(() => client.close(), 20);
  expect(await call.catch(String)).toContain("went away");
  expect(() => client.open(Control.method.info, { signal: never })).toThrow("went away");
});
