// `start`: starts containers; with -a or -i one, with its streams.

import type { ContainerInspectResponse } from "../../../api/types/container.ts";
import { HoyError } from "../../../base/error.ts";
import { ExitError, messageOf } from "../../base/errors.ts";
import { args, type Call, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { parseDetachKeys } from "../../stream/detach-keys.ts";
import { pumpStreams } from "../../stream/session.ts";
import { proxySignals } from "../../stream/signals.ts";
import { followSize } from "../../stream/terminal.ts";
import { armWait } from "../../stream/wait.ts";

const flags = {
  attach: flag.bool("Attach STDOUT/STDERR and forward signals", { short: "a" }),
  checkpoint: flag.string("Restore from this checkpoint"),
  "checkpoint-dir": flag.string("Use a custom checkpoint storage directory"),
  "detach-keys": flag.string("Override the key sequence for detaching a container"),
  interactive: flag.bool("Attach container's STDIN", { short: "i" }),
};

type StartCall = Call<typeof flags>;

export const start = command({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: args.atLeast(1),
  flags,
  async run(context, call) {
    const attached = call.flags.attach || call.flags.interactive;
    if (attached && call.args.length > 1)
      throw new ExitError(1, "you cannot start and attach multiple containers at once");
    if (call.flags.checkpoint !== "" && call.args.length > 1)
      throw new ExitError(1, "you cannot restore multiple containers at once");
    return attached ? startAttached(context, call) : startAll(context, call);
  },
});

async function startAll(context: Context, call: StartCall): Promise<number> {
  const failed: string[] = [];
  for (const name of call.args) {
    try {
      await startOne(context, name, call);
      context.io.stdout.line(name);
    } catch (thrown) {
      context.io.stderr.line(messageOf(thrown));
      failed.push(name);
    }
  }
  if (failed.length > 0) throw new ExitError(1, `Error: failed to start containers: ${failed.join(", ")}`);
  return 0;
}

async function startOne({ engine }: Context, name: string, { flags: given }: StartCall): Promise<void> {
  try {
    await engine.done("POST", `/containers/${encodeURIComponent(name)}/start`, {
      query: {
        checkpoint: given.checkpoint || undefined,
        "checkpoint-dir": given["checkpoint-dir"] || undefined,
      },
    });
  } catch (thrown) {
    // It runs already, which is what was asked for.
    if (!(thrown instanceof HoyError) || thrown.code !== "not-modified") throw thrown;
  }
}

async function startAttached(context: Context, call: StartCall): Promise<number> {
  const { engine, io, config } = context;
  const [name = ""] = call.args;
  const keys = call.flags["detach-keys"] || config.data.detachKeys || "";
  const detachKeys = parseDetachKeys(keys);
  const container = await engine.json<ContainerInspectResponse>("GET", `/containers/${encodeURIComponent(name)}/json`);
  const id = container.Id ?? name;
  const tty = container.Config?.Tty === true;
  const stdin = call.flags.interactive && container.Config?.OpenStdin === true;
  using proxy = tty ? undefined : proxySignals(io, engine, id);
  const autoRemove = container.HostConfig?.AutoRemove === true;
  const [connection, { exit }] = await Promise.all([
    engine.hijack(`/containers/${id}/attach`, {
      query: { stream: true, stdin, stdout: true, stderr: true, detachKeys: keys || undefined },
    }),
    armWait(io, engine, id, autoRemove ? "removed" : "next-exit"),
  ]);
  try {
    await startOne(context, id, call);
  } catch (thrown) {
    connection.close();
    if (autoRemove) await exit;
    throw thrown;
  }
  const stopSizes = tty && io.stdout.isTTY ? followSize(io, engine, { container: id }) : undefined;
  try {
    const streams = pumpStreams(io, connection, {
      tty,
      stdin,
      output: true,
      detachKeys,
      signalsGoOn: proxy !== undefined,
    });
    const end = await (proxy === undefined ? streams : Promise.race([streams, proxy.forced]));
    return end === "detached" ? 0 : await exit;
  } finally {
    stopSizes?.();
  }
}
