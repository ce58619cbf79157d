// `exec`: a command in a running container, with its streams and exit code.

import type { ExecCreateRequest, ExecInspectResponse } from "../../../api/types/exec.ts";
import { HoyError } from "../../../base/error.ts";
import { ExitError } from "../../base/errors.ts";
import { args, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { checkEnv, readKeyValueFiles } from "../../run/environment.ts";
import { parseDetachKeys } from "../../stream/detach-keys.ts";
import { pumpStreams } from "../../stream/session.ts";
import { checkTty, consoleSize, followSize } from "../../stream/terminal.ts";

export const exec = command({
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  args: args.atLeast(2),
  interspersed: false,
  flags: (io) => ({
    detach: flag.bool("Detached mode: run command in the background", { short: "d" }),
    "detach-keys": flag.string("Override the key sequence for detaching a container"),
    env: flag.list("Set environment variables", { short: "e", check: (text) => checkEnv(text, io.env) }),
    "env-file": flag.list("Read in a file of environment variables"),
    interactive: flag.bool("Keep STDIN open even if not attached", { short: "i" }),
    privileged: flag.bool("Give extended privileges to the command"),
    tty: flag.bool("Allocate a pseudo-TTY", { short: "t" }),
    user: flag.string('Username or UID (format: "<name|uid>[:<group|gid>]")', { short: "u" }),
    workdir: flag.string("Working directory inside the container", { short: "w" }),
  }),
  async run(context, { flags, args: [container = "", ...words] }) {
    const { io, engine, config } = context;
    const keys = flags["detach-keys"] || config.data.detachKeys || "";
    const detachKeys = parseDetachKeys(keys);
    const stdin = flags.interactive && !flags.detach;
    const request: ExecCreateRequest = {
      User: flags.user,
      Privileged: flags.privileged,
      Tty: flags.tty,
      AttachStdin: stdin,
      AttachStdout: !flags.detach,
      AttachStderr: !flags.detach,
      DetachKeys: keys,
      Env: [...readKeyValueFiles(flags["env-file"], io.cwd, io.env), ...flags.env],
      WorkingDir: flags.workdir,
      Cmd: words,
      ...size(context, flags.tty),
    };
    if (!flags.detach && stdin && flags.tty && !io.stdin.isTTY) {
      // That there is no such container is the more useful thing to say, if so.
      await engine.done("GET", `/containers/${encodeURIComponent(container)}/json`);
      checkTty(io, stdin, flags.tty);
    }
    const { Id: id } = await engine.json<{ Id: string }>("POST", `/containers/${encodeURIComponent(container)}/exec`, {
      json: request,
    });
    if (id === "") throw new HoyError("internal", "exec ID empty");
    const start = { Detach: flags.detach, Tty: flags.tty, ...size(context, flags.tty) };
    if (flags.detach) {
      await engine.done("POST", `/exec/${id}/start`, { json: start });
      return 0;
    }
    const connection = await engine.hijack(`/exec/${id}/start`, { json: start });
    const stopSizes = flags.tty && io.stdin.isTTY ? followSize(io, engine, { exec: id }) : undefined;
    const end = await pumpStreams(io, connection, {
      tty: flags.tty,
      stdin,
      output: true,
      detachKeys,
      signalsGoOn: false,
    });
    stopSizes?.();
    if (end === "detached") throw new ExitError(1, "read escape sequence");
    return exitCode(context, id);
  },
});

function size({ io }: Context, tty: boolean): Pick<ExecCreateRequest, "ConsoleSize"> {
  const [rows, columns] = consoleSize(io);
  return tty && rows > 0 ? { ConsoleSize: [rows, columns] } : {};
}

async function exitCode({ engine }: Context, id: string): Promise<number> {
  const { ExitCode, Running } = await engine.json<ExecInspectResponse>("GET", `/exec/${id}/json`);
  // The output has ended but the process has not: its exit code is not ours to tell.
  return Running ? 0 : (ExitCode ?? 0);
}
