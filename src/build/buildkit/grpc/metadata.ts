// Metadata: a call's own headers. Names are lower case; one may come several times; those of HTTP and gRPC are left out.

import type * as http2 from "node:http2";

export type Metadata = ReadonlyMap<string, readonly string[]>;

export function readMetadata(headers: http2.IncomingHttpHeaders): Metadata {
  const found = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(":") || name.startsWith("grpc-")) continue;
    found.set(name, Array.isArray(value) ? value : [value]);
  }
  return found;
}

export function writeMetadata(metadata: Metadata): http2.OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (const [name, values] of metadata) {
    const [only] = values;
    if (only !== undefined) headers[name] = values.length === 1 ? only : [...values];
  }
  return headers;
}

const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Of the header grpc-timeout, in milliseconds; undefined: none, or nonsense. */
export function readTimeout(value: string | undefined): number | undefined {
  const match = /^([0-9]{1,8})([HMSmun])$/.exec(value ?? "");
  if (match === null) return undefined;
  // setTimeout takes 31 bits.
  return Math.min(Math.ceil(Number(match[1]) * (UNITS[match[2] ?? ""] ?? 1)), 2 ** 31 - 1);
}
