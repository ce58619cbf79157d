// `attach`: our terminal on a running container's.

import type { ContainerInspectResponse } from "../../../api/types/container.ts";
import { ExitError } from "../../base/errors.ts";
import { args, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { parseDetachKeys } from "../../stream/detach-keys.ts";
import { pumpStreams } from "../../stream/session.ts";
import { proxySignals } from "../../stream/signals.ts";
import { checkTty, followSize } from "../../stream/terminal.ts";
import { armWait } from "../../stream/wait.ts";

export const attach = command({
  usage: "[OPTIONS] CONTAINER",
  args: args.exactly(1),
  flags: {
    "detach-keys": flag.string("Override the key sequence for detaching a container"),
    "no-stdin": flag.bool("Do not attach STDIN"),
    "sig-proxy": flag.bool("Proxy all received signals to the process", { initial: true, shown: "true" }),
  },
  async run(context, { flags, args: [name = ""] }) {
    const { engine, io, config } = context;
    const keys = flags["detach-keys"] || config.data.detachKeys || "";
    const detachKeys = parseDetachKeys(keys);
    const container = await runningContainer(context, name);
    const id = container.Id ?? name;
    const tty = container.Config?.Tty === true;
    checkTty(io, !flags["no-stdin"], tty);
    const stdin = !flags["no-stdin"] && container.Config?.OpenStdin === true;
    using proxy = flags["sig-proxy"] && !tty ? proxySignals(io, engine, id) : undefined;
    const [connection, { exit }] = await Promise.all([
      engine.hijack(`/containers/${id}/attach`, {
        query: { stream: true, stdin, stdout: true, stderr: true, detachKeys: keys || undefined },
      }),
      armWait(io, engine, id, "not-running"),
    ]);
    const stopSizes = tty && io.stdout.isTTY ? await redraw(context, id) : undefined;
    try {
      const streams = pumpStreams(io, connection, {
        tty,
        stdin,
        output: true,
        detachKeys,
        signalsGoOn: proxy !== undefined,
      });
      const end = await (proxy === undefined ? streams : Promise.race([streams, proxy.forced]));
      if (end === "detached") throw new ExitError(1, "read escape sequence");
      return await exit;
    } finally {
      stopSizes?.();
    }
  },
});

async function runningContainer({ engine }: Context, name: string): Promise<ContainerInspectResponse> {
  const container = await engine.json<ContainerInspectResponse>("GET", `/containers/${encodeURIComponent(name)}/json`);
  const { State: state = {} } = container;
  if (state.Running !== true) throw new ExitError(1, "You cannot attach to a stopped container, start it first");
  if (state.Paused === true) throw new ExitError(1, "You cannot attach to a paused container, unpause it first");
  if (state.Restarting === true)
    throw new ExitError(1, "You cannot attach to a restarting container, wait until it is running");
  return container;
}

/** Programs draw again when the size changes, so it is changed and set back: the newly attached see their prompt. */
async function redraw({ engine, io }: Context, id: string): Promise<() => void> {
  const query = { h: io.stdout.rows + 1, w: io.stdout.columns + 1 };
  await engine.done("POST", `/containers/${id}/resize`, { query }).catch(() => undefined);
  return followSize(io, engine, { container: id });
}
