// Times as the engine tells them (google.protobuf.Timestamp).

export interface Timestamp {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** Milliseconds since the epoch. */
export function timestampMs({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + Math.round(nanos / 1_000_000);
}
