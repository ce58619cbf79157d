// The tables of light-messages.ts against the generated code: what one writes the other reads, and the paths are the services'.

import { expect, test } from "bun:test";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { methodPath } from "../grpc/service.ts";
import {
  Control,
  SolveRequestSchema,
  SolveResponseSchema,
  StatusRequestSchema,
  StatusResponseSchema,
} from "./gen/control_pb.ts";
import { Health } from "./gen/health_pb.ts";
import { Secrets } from "./gen/secrets_pb.ts";
import { Auth, FileSync } from "./gen/session_pb.ts";
import { StatusSchema } from "./gen/status_pb.ts";
import { type LightMessage, readLight, writeLight } from "./light.ts";
import { RPC_STATUS, SOLVE_REQUEST, SOLVE_RESPONSE, STATUS_REQUEST, STATUS_RESPONSE } from "./light-messages.ts";
import { PATHS } from "./paths.ts";

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const bytes = fc.uint8Array({ maxLength: 300 });
const map = fc.dictionary(text, text, { maxKeys: 4, noNullPrototype: true });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { maxLength: 3 });
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { requiredKeys: [] });
const time = record({ seconds: int64, nanos: int32 });
const typed = record({ type: text, attrs: map });
const position = record({ line: int32, character: int32 });

const solveRequest = record({
  ref: text,
  exporterDeprecated: text,
  exporterAttrsDeprecated: map,
  session: text,
  frontend: text,
  frontendAttrs: map,
  cache: record({ exports: some(typed), imports: some(typed) }),
  entitlements: some(text),
  exporters: some(typed),
});
const statusResponse = record({
  vertexes: some(
    record({
      digest: text,
      inputs: some(text),
      name: text,
      cached: fc.boolean(),
      started: time,
      completed: time,
      error: text,
    }),
  ),
  statuses: some(
    record({
      id: text,
      vertex: text,
      name: text,
      current: int64,
      total: int64,
      timestamp: time,
      started: time,
      completed: time,
    }),
  ),
  logs: some(record({ vertex: text, timestamp: time, stream: int64, msg: bytes })),
  warnings: some(
    record({
      vertex: text,
      level: int64,
      short: bytes,
      detail: some(bytes),
      url: text,
      info: record({ filename: text, data: bytes, language: text }),
      ranges: some(record({ start: position, end: position })),
    }),
  ),
});
const status = record({
  code: int32,
  message: text,
  details: some(record({ typeUrl: text, value: bytes })),
});

for (const [name, light, schema, values] of [
  ["SolveRequest", SOLVE_REQUEST, SolveRequestSchema, solveRequest],
  ["SolveResponse", SOLVE_RESPONSE, SolveResponseSchema, record({ exporterResponse: map })],
  ["StatusRequest", STATUS_REQUEST, StatusRequestSchema, record({ ref: text })],
  ["StatusResponse", STATUS_RESPONSE, StatusResponseSchema, statusResponse],
  ["Status", RPC_STATUS, StatusSchema, status],
] as [string, LightMessage, DescMessage, fc.Arbitrary<object>][]) {
  test(`${name}: what is written is read by the generated code, and the other way round`, () => {
    fc.assert(
      fc.property(values, (value) => {
        const message = create(schema, value as MessageInitShape<DescMessage>);
        expect(fromBinary(schema, writeLight(light, value))).toEqual(message);
        const read = readLight(light, toBinary(schema, message));
        // All that the table has.
        expect(message).toMatchObject(read);
        expect(fromBinary(schema, writeLight(light, read))).toEqual(message);
      }),
      { numRuns: 60 },
    );
  });
}

test("fields that a table does not have are passed over", () => {
  const message = create(SolveRequestSchema, {
    ref: "x",
    internal: true,
    sourcePolicy: Buffer.from("y"),
    frontend: "z",
  });
  expect(readLight(SOLVE_REQUEST, toBinary(SolveRequestSchema, message))).toMatchObject({ ref: "x", frontend: "z" });
});

test("random bytes are a message or an error, and change no prototype", () => {
  fc.assert(
    fc.property(bytes, (given) => {
      try {
        readLight(STATUS_RESPONSE, given);
      } catch (thrown) {
        expect(String(thrown)).toContain("not a ");
      }
    }),
  );
  const evil = writeLight(SOLVE_RESPONSE, { exporterResponse: JSON.parse('{"__proto__": "x"}') as object });
  const { exporterResponse } = readLight(SOLVE_RESPONSE, evil) as { exporterResponse: object };
  expect(Object.getPrototypeOf(exporterResponse)).toBe(Object.prototype);
  expect(Object.keys(exporterResponse)).toEqual(["__proto__"]);
});

test("the paths are the services' own", () => {
  const paths: Record<string, string> = { ...PATHS };
  expect(paths).toEqual({
    solve: methodPath(Control.method.solve),
    status: methodPath(Control.method.status),
    health: methodPath(Health.method.check),
    diffCopy: methodPath(FileSync.method.diffCopy),
    credentials: methodPath(Auth.method.credentials),
    fetchToken: methodPath(Auth.method.fetchToken),
    secret: methodPath(Secrets.method.getSecret),
  });
});
