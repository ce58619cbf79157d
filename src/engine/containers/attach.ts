// POST /containers/{id}/attach: to a running container at once, to another when it starts.

import type { AttachOptions, AttachStream, OutputChunk } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { Shim, ShimStream } from "../../runtime/contract.ts";
import { ClientStream } from "../client-stream.ts";
import type { EngineContext } from "../context.ts";
import { closeAll, openLogFiles } from "../logs/files.ts";
import { readLogs, readOpened } from "../logs/read.ts";
import type { Container } from "./container.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "./detach-keys.ts";
import { PendingAttach } from "./pending-attach.ts";

/** A container that writes faster than its log's files can be opened, many times in a row, may show a line twice. */
const MOST_ATTEMPTS = 20;

const WHOLE_LOG = {
  follow: false,
  since: undefined,
  until: undefined,
  timestamps: false,
  details: false,
  tail: undefined,
} as const;

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
  const streams = { stdout: options.stdout, stderr: options.stderr };
  const want = { stdin, ...streams };
  const pending = options.stream && container.shim === undefined ? new PendingAttach(want) : undefined;
  if (pending !== undefined) container.pending.add(pending);
  const joined = options.stream && pending === undefined ? await attachNow(container, want, options.logs) : undefined;
  const stream = new ClientStream({
    tty,
    before: options.logs ? (joined?.before ?? readLogs(container, { ...WHOLE_LOG, ...streams })) : undefined,
    live: pending?.stream ?? Promise.resolve(joined?.stream),
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

interface Joined {
  readonly stream: ShimStream;
  /** The log up to the stream's beginning. */
  readonly before: AsyncIterable<OutputChunk> | undefined;
}

/** Undefined when it ended between the look and the call: its output is over, and all in its log. */
async function attachNow(
  container: Container,
  want: { stdin: boolean; stdout: boolean; stderr: boolean },
  logs: boolean,
): Promise<Joined | undefined> {
  const { shim } = container;
  if (shim === undefined) return undefined;
  try {
    return logs ? await attachBehindLog(container, shim, want) : { stream: await shim.attach(want), before: undefined };
  } catch (error) {
    if (container.shim === undefined) return undefined;
    throw error;
  }
}

/**
 * The log's files are opened before and the stream is joined then, so that no rotation can take away what lies before
 * the stream's beginning. When one made a new file in between, it is done again.
 */
async function attachBehindLog(
  container: Container,
  shim: Shim,
  want: { stdin: boolean; stdout: boolean; stderr: boolean },
): Promise<Joined> {
  const request = { ...WHOLE_LOG, stdout: want.stdout, stderr: want.stderr };
  for (let attempt = 0; ; attempt++) {
    const files = await openLogFiles(container.paths.log);
    const { stream, logged } = await shim.attachBehindLog(want).catch(async (error: unknown) => {
      await closeAll(files);
      throw error;
    });
    const known = logged !== undefined && files.some(({ inode }) => inode === logged.inode);
    if (known) return { stream, before: readOpened(container, request, { files, end: logged }) };
    await closeAll(files);
    if (logged === undefined || attempt === MOST_ATTEMPTS) return { stream, before: readLogs(container, request) };
    stream.close();
  }
}

/** @throws HoyError "conflict" when it does not run. */
export async function resizeContainer(container: Container, height: number, width: number): Promise<void> {
  if (container.shim === undefined) {
    throw new HoyError("conflict", `cannot resize a stopped container: container ${container.id} is not running`);
  }
  await container.shim.resize(height, width);
}
