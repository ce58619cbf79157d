// Waiting for a container's exit code. The engine answers the head at once, when the wait is armed; only then may the
// container be started, or its end could be missed.

import type { Transport } from "../../api/client/transport.ts";
import type { ContainerWaitResponse } from "../../api/types/container.ts";
import { messageOf } from "../base/errors.ts";
import type { CliIo } from "../io.ts";
import { jsonOf } from "./bytes.ts";

export type WaitFor = "not-running" | "next-exit" | "removed";

/** Resolves when the wait is armed. `exit` becomes the exit code; 125 (and a line on standard error) when it failed. */
export async function armWait(
  io: CliIo,
  engine: Transport,
  id: string,
  condition: WaitFor,
): Promise<{ readonly exit: Promise<number> }> {
  const { body } = await engine.send("POST", `/containers/${id}/wait`, { query: { condition } });
  const exit = exitCodeOf(io, body);
  return { exit };
}

async function exitCodeOf(io: CliIo, body: AsyncIterable<Uint8Array>): Promise<number> {
  try {
    const { StatusCode, Error: failure } = await jsonOf<ContainerWaitResponse>(body);
    if (failure === undefined || failure === null) return StatusCode;
    io.stderr.line(`Error waiting for container: ${failure.Message}`);
  } catch (thrown) {
    io.stderr.line(`error waiting for container: ${messageOf(thrown)}`);
  }
  return 125;
}
