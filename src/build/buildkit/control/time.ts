// Times as protobuf has them.

import { create } from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";

/** From RFC 3339 with up to nine digits of a second. */
export function timestamp(text: string): Timestamp {
  const match = /^(.*T[0-9:]+)(?:\.([0-9]{1,9}))?(Z|[+-][0-9:]+)$/.exec(text);
  const seconds = Math.floor(Date.parse(`${match?.[1] ?? text}${match?.[3] ?? ""}`) / 1000);
  const nanos = Number((match?.[2] ?? "").padEnd(9, "0"));
  return create(TimestampSchema, { seconds: BigInt(Number.isNaN(seconds) ? 0 : seconds), nanos });
}

export function nanoseconds({
  seconds = 0n,
  nanos = 0,
}: {
  readonly seconds?: bigint;
  readonly nanos?: number;
}): bigint {
  return seconds * 1_000_000_000n + BigInt(nanos);
}
