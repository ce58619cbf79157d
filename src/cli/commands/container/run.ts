// `run`: create, attach, wait, start; then the container's output is ours, and its exit code too. Exit code 125 is our
// own failure, 126 a command that can't be run, 127 one that is not there.

import { ExitError, messageOf, UsageError } from "../../base/errors.ts";
import { args, type Call, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import type { ContainerSpec } from "../../run/config.ts";
import { type ContainerFlags, containerFlags } from "../../run/flags.ts";
import { parseDetachKeys } from "../../stream/detach-keys.ts";
import { pumpStreams, type StreamEnd } from "../../stream/session.ts";
import { proxySignals } from "../../stream/signals.ts";
import { checkTty, followSize } from "../../stream/terminal.ts";
import { armWait } from "../../stream/wait.ts";
import { createContainer, specOf } from "./create-container.ts";

const ownFlags = {
  detach: flag.bool("Run container in background and print container ID", { short: "d" }),
  "detach-keys": flag.string("Override the key sequence for detaching a container"),
  "sig-proxy": flag.bool("Proxy received signals to the process", { initial: true, shown: "true" }),
};

type RunCall = Call<ContainerFlags & typeof ownFlags>;

export const run = command({
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  args: args.atLeast(1),
  interspersed: false,
  flags: (io) => ({ ...containerFlags(io.cwd, io.env), ...ownFlags }),
  async run(context, call) {
    const spec = withHelp(context, "run", () => specOf(context, call));
    const { flags } = call;
    if (flags.detach) {
      if (flags.attach.length > 0)
        throw new ExitError(1, "conflicting options: cannot specify both --attach and --detach");
      spec.config.AttachStdin = spec.config.AttachStdout = spec.config.AttachStderr = spec.config.StdinOnce = false;
    } else {
      checkTty(context.io, spec.config.AttachStdin === true, flags.tty);
    }
    const keys = flags["detach-keys"] || context.config.data.detachKeys || "";
    const detachKeys = parseDetachKeys(keys);
    const id = await orStatus(context, () => createContainer(context, call, spec));
    const { AttachStdin, AttachStdout, AttachStderr } = spec.config;
    if (AttachStdin === true || AttachStdout === true || AttachStderr === true)
      return runAttached(context, call, spec, { id, keys, detachKeys });
    await orStatus(context, () => start(context, id));
    context.io.stdout.line(id);
    return 0;
  },
});

interface Attached {
  readonly id: string;
  readonly keys: string;
  readonly detachKeys: Uint8Array;
}

async function runAttached(context: Context, call: RunCall, spec: ContainerSpec, attached: Attached): Promise<number> {
  const { engine, io } = context;
  const { flags } = call;
  const { id } = attached;
  const { AttachStdin = false, AttachStdout = false, AttachStderr = false } = spec.config;
  using proxy = flags["sig-proxy"] ? proxySignals(io, engine, id) : undefined;
  // Both must stand before the start, or first output or a quick end would be lost; they need not wait for each other.
  const [connection, { exit }] = await Promise.all([
    engine.hijack(`/containers/${id}/attach`, {
      query: {
        stream: true,
        stdin: AttachStdin,
        stdout: AttachStdout,
        stderr: AttachStderr,
        detachKeys: attached.keys || undefined,
      },
    }),
    armWait(io, engine, id, flags.rm ? "removed" : "next-exit"),
  ]);
  try {
    await start(context, id);
  } catch (thrown) {
    connection.close();
    if (flags.rm) await exit;
    throw statusError(context, thrown);
  }
  const stopSizes = flags.tty && io.stdout.isTTY ? followSize(io, engine, { container: id }) : undefined;
  const streams = pumpStreams(io, connection, {
    tty: flags.tty,
    stdin: AttachStdin,
    output: AttachStdout || AttachStderr,
    detachKeys: attached.detachKeys,
    signalsGoOn: proxy !== undefined,
  });
  try {
    const ended = exitOf(streams, exit, AttachStdout || AttachStderr);
    return await (proxy === undefined ? ended : Promise.race([ended, proxy.forced]));
  } finally {
    stopSizes?.();
  }
}

/** The exit code once the output is all shown; 0 when the user let go. */
async function exitOf(streams: Promise<StreamEnd>, exit: Promise<number>, output: boolean): Promise<number> {
  // Only sending: the container's end is the end, even if more could be sent.
  const first = output ? await streams : await Promise.race([streams, exit.then((): StreamEnd => "ended")]);
  return first === "detached" ? 0 : exit;
}

async function start({ engine }: Context, id: string): Promise<void> {
  await engine.done("POST", `/containers/${id}/start`);
}

/** Errors in flags, with the way to help, as exit code 125. */
export function withHelp<T>({ program }: Context, name: string, build: () => T): T {
  try {
    return build();
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    throw new ExitError(125, `${program}: ${thrown.message}\n\nRun '${program} ${name} --help' for more information`);
  }
}

async function orStatus<T>(context: Context, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    throw statusError(context, thrown);
  }
}

function statusError({ program }: Context, thrown: unknown): ExitError {
  const message = messageOf(thrown);
  const text = `${program}: ${message}\n\nRun '${program} run --help' for more information`;
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(message))
    return new ExitError(127, text, thrown);
  if (/permission denied|is a directory/.test(message)) return new ExitError(126, text, thrown);
  return new ExitError(125, text, thrown);
}
