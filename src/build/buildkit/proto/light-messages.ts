// What a client of a plain build says and hears, as tables of fields (light.ts): the numbers are those of control.proto,
// ops.proto, status.proto and google/protobuf/{timestamp,any}.proto. Not in them is what only others send or ask for.

import type { LightMessage } from "./light.ts";

const [STRING, BYTES, BOOL] = ["string", "bytes", "bool"] as const;
const [INT32, INT64, MAP, MESSAGE] = ["int32", "int64", "map", "message"] as const;

const TIMESTAMP: LightMessage = {
  name: "google.protobuf.Timestamp",
  fields: { 1: { name: "seconds", kind: INT64 }, 2: { name: "nanos", kind: INT32 } },
};

const EXPORTER: LightMessage = {
  name: "moby.buildkit.v1.Exporter",
  fields: { 1: { name: "type", kind: STRING }, 2: { name: "attrs", kind: MAP } },
};

const CACHE_ENTRY: LightMessage = { ...EXPORTER, name: "moby.buildkit.v1.CacheOptionsEntry" };

const CACHE: LightMessage = {
  name: "moby.buildkit.v1.CacheOptions",
  fields: {
    4: { name: "exports", kind: MESSAGE, of: CACHE_ENTRY, many: true },
    5: { name: "imports", kind: MESSAGE, of: CACHE_ENTRY, many: true },
  },
};

export const SOLVE_REQUEST: LightMessage = {
  name: "moby.buildkit.v1.SolveRequest",
  fields: {
    1: { name: "ref", kind: STRING },
    3: { name: "exporterDeprecated", kind: STRING },
    4: { name: "exporterAttrsDeprecated", kind: MAP },
    5: { name: "session", kind: STRING },
    6: { name: "frontend", kind: STRING },
    7: { name: "frontendAttrs", kind: MAP },
    8: { name: "cache", kind: MESSAGE, of: CACHE },
    9: { name: "entitlements", kind: STRING, many: true },
    13: { name: "exporters", kind: MESSAGE, of: EXPORTER, many: true },
  },
};

export const SOLVE_RESPONSE: LightMessage = {
  name: "moby.buildkit.v1.SolveResponse",
  fields: { 1: { name: "exporterResponse", kind: MAP } },
};

export const STATUS_REQUEST: LightMessage = {
  name: "moby.buildkit.v1.StatusRequest",
  fields: { 1: { name: "ref", kind: STRING } },
};

const VERTEX: LightMessage = {
  name: "moby.buildkit.v1.Vertex",
  fields: {
    1: { name: "digest", kind: STRING },
    2: { name: "inputs", kind: STRING, many: true },
    3: { name: "name", kind: STRING },
    4: { name: "cached", kind: BOOL },
    5: { name: "started", kind: MESSAGE, of: TIMESTAMP },
    6: { name: "completed", kind: MESSAGE, of: TIMESTAMP },
    7: { name: "error", kind: STRING },
  },
};

const VERTEX_STATUS: LightMessage = {
  name: "moby.buildkit.v1.VertexStatus",
  fields: {
    1: { name: "id", kind: STRING },
    2: { name: "vertex", kind: STRING },
    3: { name: "name", kind: STRING },
    4: { name: "current", kind: INT64 },
    5: { name: "total", kind: INT64 },
    6: { name: "timestamp", kind: MESSAGE, of: TIMESTAMP },
    7: { name: "started", kind: MESSAGE, of: TIMESTAMP },
    8: { name: "completed", kind: MESSAGE, of: TIMESTAMP },
  },
};

const VERTEX_LOG: LightMessage = {
  name: "moby.buildkit.v1.VertexLog",
  fields: {
    1: { name: "vertex", kind: STRING },
    2: { name: "timestamp", kind: MESSAGE, of: TIMESTAMP },
    3: { name: "stream", kind: INT64 },
    4: { name: "msg", kind: BYTES },
  },
};

const SOURCE_INFO: LightMessage = {
  name: "pb.SourceInfo",
  fields: {
    1: { name: "filename", kind: STRING },
    2: { name: "data", kind: BYTES },
    4: { name: "language", kind: STRING },
  },
};

const POSITION: LightMessage = {
  name: "pb.Position",
  fields: { 1: { name: "line", kind: INT32 }, 2: { name: "character", kind: INT32 } },
};

const RANGE: LightMessage = {
  name: "pb.Range",
  fields: { 1: { name: "start", kind: MESSAGE, of: POSITION }, 2: { name: "end", kind: MESSAGE, of: POSITION } },
};

const VERTEX_WARNING: LightMessage = {
  name: "moby.buildkit.v1.VertexWarning",
  fields: {
    1: { name: "vertex", kind: STRING },
    2: { name: "level", kind: INT64 },
    3: { name: "short", kind: BYTES },
    4: { name: "detail", kind: BYTES, many: true },
    5: { name: "url", kind: STRING },
    6: { name: "info", kind: MESSAGE, of: SOURCE_INFO },
    7: { name: "ranges", kind: MESSAGE, of: RANGE, many: true },
  },
};

export const STATUS_RESPONSE: LightMessage = {
  name: "moby.buildkit.v1.StatusResponse",
  fields: {
    1: { name: "vertexes", kind: MESSAGE, of: VERTEX, many: true },
    2: { name: "statuses", kind: MESSAGE, of: VERTEX_STATUS, many: true },
    3: { name: "logs", kind: MESSAGE, of: VERTEX_LOG, many: true },
    4: { name: "warnings", kind: MESSAGE, of: VERTEX_WARNING, many: true },
  },
};

const ANY: LightMessage = {
  name: "google.protobuf.Any",
  fields: { 1: { name: "typeUrl", kind: STRING }, 2: { name: "value", kind: BYTES } },
};

/** What a call ended with, in its trailers. */
export const RPC_STATUS: LightMessage = {
  name: "google.rpc.Status",
  fields: {
    1: { name: "code", kind: INT32 },
    2: { name: "message", kind: STRING },
    3: { name: "details", kind: MESSAGE, of: ANY, many: true },
  },
};
