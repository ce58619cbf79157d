// POST /containers/{id}/attach: to a running container at once, to another when it starts.

import type { AttachOptions, AttachStream } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { ShimStream } from "../../runtime/contract.ts";
import { ClientStream } from "../client-stream.ts";
import type { EngineContext } from "../context.ts";
import { readLogs } from "../logs/read.ts";
import type { Container } from "./container.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "./detach-keys.ts";
import { PendingAttach } from "./pending-attach.ts";

/** @throws HoyError "conflict" when it is paused or between two tries, "invalid" for bad keys. */
export async function attachContainer(
  engine: EngineContext,
  container: Container,
  options: AttachOptions,
): Promise<AttachStream> {
  const { spec, state } = container;
  if (state.status === "paused") {
    throw new HoyError("conflict", `container ${container.id} is paused, unpause the container before attach`);
  }
  if (state.status === "restarting") {
    throw new HoyError("conflict", `container ${container.id} is restarting, wait until the container is running`);
  }
  if (state.status === "removing" || state.status === "dead") {
    throw new HoyError("conflict", `container ${container.id} is being removed`);
  }
  const keys = parseDetachKeys(options.detachKeys || DEFAULT_DETACH_KEYS);
  const tty = spec.config.Tty ?? false;
  const stdin = options.stdin && (spec.config.OpenStdin ?? false);
  const want = { stdin, stdout: options.stdout, stderr: options.stderr };
  const pending = options.stream && container.shim === undefined ? new PendingAttach(want) : undefined;
  if (pending !== undefined) container.pending.add(pending);
  const live = options.stream ? (pending?.stream ?? attachNow(container, want)) : Promise.resolve(undefined);
  // Attached first, then the log read: at worst a line is seen twice, never lost.
  await (pending === undefined ? live : undefined);
  const stream = new ClientStream({
    tty,
    before: options.logs ? replay(container, options) : undefined,
    live,
    detachKeys: tty && stdin ? keys : undefined,
    inputEnds: stdin && (spec.config.StdinOnce ?? false) && !tty,
    onDetach: () => engine.events.emit("container", "detach", container.id, container.attributes),
    onClose: () => {
      if (pending !== undefined && container.pending.delete(pending)) pending.cancel();
    },
  });
  engine.events.emit("container", "attach", container.id, container.attributes);
  return stream;
}

async function attachNow(
  container: Container,
  want: { stdin: boolean; stdout: boolean; stderr: boolean },
): Promise<ShimStream | undefined> {
  try {
    return await container.shim?.attach(want);
  } catch (error) {
    // It ended between the look and the call: its output is over.
    if (container.shim === undefined) return undefined;
    throw error;
  }
}

function replay(container: Container, options: AttachOptions) {
  return readLogs(container, {
    stdout: options.stdout,
    stderr: options.stderr,
    follow: false,
    since: undefined,
    until: undefined,
    timestamps: false,
    details: false,
    tail: undefined,
  });
}

/** @throws HoyError "conflict" when it does not run. */
export async function resizeContainer(container: Container, height: number, width: number): Promise<void> {
  if (container.shim === undefined) {
    throw new HoyError("conflict", `cannot resize a stopped container: container ${container.id} is not running`);
  }
  await container.shim.resize(height, width);
}
