// `--debug`: a shell in what a failed step left, before the build ends. The engine keeps that for as long as the build
// is open; here a container is opened on it, with the step's mounts, variables, user and directory, and the user's
// terminal is put through to it (BuildKit's NewContainer and ExecProcess, as buildx's debugger uses them).

import { randomUUID } from "node:crypto";
import { type FailedExec, readFailedExec } from "../../build/buildkit/gateway/failed-exec.ts";
import type { GrpcClient, OpenCall } from "../../build/buildkit/grpc/client.ts";
import type { GrpcError } from "../../build/buildkit/grpc/status.ts";
import { LLBBridge } from "../../build/buildkit/proto/gen/gateway_pb.ts";
import type { CliIo } from "../io.ts";
import { takeTerminal } from "../stream/session.ts";
import { consoleSize } from "../stream/terminal.ts";

export interface DebugOptions {
  readonly io: CliIo;
  readonly control: GrpcClient;
  /** The build's. */
  readonly ref: string;
  readonly signal: AbortSignal;
}

type FailedMount = FailedExec["op"]["exec"]["mounts"][number];
type Call = OpenCall<typeof LLBBridge.method.execProcess>;

const PROCESS = "shell";
/** The engine's code for a process that never ran. */
const NOT_STARTED = 255;

/** Resolves when the shell has ended; says why where there can be none. @throws GrpcError, ExitError on a signal. */
export async function debugFailure(error: GrpcError, options: DebugOptions): Promise<void> {
  const { io } = options;
  const failed = readFailedExec(error.details);
  if (!io.stdin.isTTY || !io.stdout.isTTY) {
    io.stderr.line("--debug opens a shell on a terminal only: there is none here");
  } else if (failed === undefined)
    io.stderr.line("--debug: what failed is no command, so there is no shell to look around in");
  else await shell(failed, options);
}

async function shell(failed: FailedExec, { io, control, ref, signal }: DebugOptions): Promise<void> {
  const metadata = new Map([["buildkit-controlapi-buildid", [ref]]]);
  const containerId = randomUUID().replaceAll("-", "");
  await control.unary(LLBBridge.method.newContainer, containerOf(containerId, failed), { signal, metadata });
  const call = control.open(LLBBridge.method.execProcess, { signal, metadata });
  const { exec } = failed.op;
  const args = shellOf(exec.meta.args);
  io.stderr.line(
    `\nA shell in the failed step (${args.join(" ")}). What it changes is dropped; its end is the build's end.`,
  );
  using terminal = takeTerminal(io, false);
  using _size = followCall(io, call);
  try {
    const { env, cwd, user } = exec.meta;
    const meta = { args, env, cwd, user };
    const secretenv = exec.secretenv.map(({ ID, name, optional }) => ({ id: ID, name, optional }));
    const init = { containerId, meta, fds: [0, 1], tty: true, security: exec.security, secretenv };
    await call.send({ processId: PROCESS, input: { case: "init", value: init } });
    const typing = type(io, call);
    // The process may end before it has read all: its own side tells how it went.
    typing.catch(() => undefined);
    await Promise.race([show(io, call), terminal.killed]);
  } finally {
    io.stdin.release();
    call.cancel();
  }
}

/** As the step had it; of the trees what they are now. */
function containerOf(containerId: string, { mountIDs, op: { exec } }: FailedExec) {
  const mounts = exec.mounts.map(({ selector, dest, readonly, mountType, ...option }, index) => {
    const { cacheOpt: cache, TmpfsOpt: tmpfs, secretOpt, SSHOpt } = option;
    return {
      selector,
      dest,
      readonly,
      mountType,
      input: -1n,
      output: -1n,
      resultId: mountIDs[index] ?? "",
      ...(cache === undefined ? {} : { cache: { id: cache.ID, sharing: cache.sharing } }),
      ...(tmpfs === undefined ? {} : { tmpfs: { size: BigInt(tmpfs.size) } }),
      ...(secretOpt === undefined ? {} : { secret: lentOf(secretOpt) }),
      ...(SSHOpt === undefined ? {} : { ssh: lentOf(SSHOpt) }),
    };
  });
  const { network, meta } = exec;
  const extraHosts = meta.extraHosts.map(({ Host: host, IP: ip }) => ({ host, ip }));
  return { containerId, mounts, network, extraHosts, hostname: meta.hostname };
}

function lentOf({ ID: id, mode, uid, gid, optional }: NonNullable<FailedMount["secretOpt"]>) {
  return { id, mode, uid, gid, optional };
}

/** The one that the step ran in (SHELL, or the usual), by its form: PROGRAM [ARGUMENT…] -c COMMAND. */
function shellOf(args: readonly string[]): string[] {
  const isShell = args.length > 2 && /^-\w*c$/.test(args.at(-2) ?? "");
  return isShell ? args.slice(0, -2) : ["/bin/sh"];
}

/** The size now and at every change. */
function followCall(io: CliIo, call: Call): Disposable {
  // Asked for first, so that Node's own handler, by which it learns the new size, runs before ours.
  consoleSize(io);
  const send = () => {
    const [rows, cols] = consoleSize(io);
    if (rows === 0 || cols === 0) return;
    // The shell may have ended.
    call.send({ processId: PROCESS, input: { case: "resize", value: { rows, cols } } }).catch(() => undefined);
  };
  const stop = io.onSignal("SIGWINCH", send);
  return { [Symbol.dispose]: stop };
}

async function type(io: CliIo, call: Call): Promise<void> {
  for await (const data of io.stdin.read()) {
    await call.send({ processId: PROCESS, input: { case: "file", value: { fd: 0, data } } });
  }
  await call.send({ processId: PROCESS, input: { case: "file", value: { fd: 0, eof: true } } });
}

async function show(io: CliIo, call: Call): Promise<void> {
  for await (const { input } of call.answers) {
    if (input.case === "started") {
      const [rows, cols] = consoleSize(io);
      await call.send({ processId: PROCESS, input: { case: "resize", value: { rows, cols } } });
    } else if (input.case === "file") await io.stdout.write(input.value.data);
    else if (input.case === "exit" && input.value.code === NOT_STARTED) {
      io.stderr.print(`no shell could be started: ${input.value.error?.message ?? "the engine does not say why"}\r\n`);
    } else if (input.case === "done") return;
  }
}
