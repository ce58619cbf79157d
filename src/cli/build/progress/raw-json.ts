// `--progress=rawjson`: every event as BuildKit's clients write it (client.SolveStatus), a line each.

import type { StatusResponse } from "../../../build/buildkit/proto/gen/control_pb.ts";
import type { Output } from "../../base/output.ts";
import { timestampMs } from "./time.ts";

type Time = StatusResponse["logs"][number]["timestamp"];

export function writeRawJson(out: Output, { vertexes, statuses, logs, warnings }: StatusResponse): void {
  const status = {
    ...some("vertexes", vertexes, ({ digest, inputs, name, started, completed, cached, error }) => ({
      digest,
      ...some("inputs", inputs, (input) => input),
      name,
      ...time("started", started),
      ...time("completed", completed),
      ...(cached ? { cached } : {}),
      ...(error === "" ? {} : { error }),
    })),
    ...some("statuses", statuses, ({ id, vertex, name, total, current, timestamp, started, completed }) => ({
      id,
      vertex,
      ...(name === "" ? {} : { name }),
      ...(total === 0n ? {} : { total: Number(total) }),
      current: Number(current),
      ...time("timestamp", timestamp),
      ...time("started", started),
      ...time("completed", completed),
    })),
    ...some("logs", logs, ({ vertex, stream, msg, timestamp }) => ({
      vertex,
      stream: Number(stream),
      data: base64(msg),
      ...time("timestamp", timestamp),
    })),
    ...some("warnings", warnings, ({ vertex, level, short, detail, url, ranges }) => ({
      vertex,
      level: Number(level),
      short: base64(short),
      ...some("detail", detail, base64),
      ...(url === "" ? {} : { url }),
      ...some("range", ranges, ({ start, end }) => ({
        start: { line: start?.line ?? 0 },
        end: { line: end?.line ?? start?.line ?? 0 },
      })),
    })),
  };
  if (Object.keys(status).length > 0) out.line(JSON.stringify(status));
}

function some<K extends string, T, R>(key: K, list: readonly T[], each: (one: T) => R): Partial<Record<K, R[]>> {
  return list.length === 0 ? {} : ({ [key]: list.map(each) } as Record<K, R[]>);
}

function time<K extends string>(key: K, value: Time): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: new Date(timestampMs(value)).toISOString() } as Record<K, string>);
}

const base64 = (data: Uint8Array) => Buffer.from(data).toString("base64");
