// Exec: a further process in a running container, over a connection of its own to the shim.

import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import type { ExecHandle, ExecRequest, ExitStatus } from "../contract.ts";
import type { OciProcess } from "../oci.ts";
import { specJson } from "../spec/json.ts";
import { readExit, timeText } from "./exit-file.ts";
import { runtimeFailure } from "./failures.ts";
import { numbers, sized, ToShim, Want } from "./frames.ts";
import { ShimRefusal, StreamConnection, wantBits } from "./stream.ts";

const ESRCH = 3;
const KILLED = 137;

/** What is asked of the shim about a process, by its number. */
export interface ExecCalls {
  resize(number: number, height: number, width: number): Promise<void>;
  signal(number: number, signal: number): Promise<void>;
}

/**
 * @throws HoyError "invalid" with Docker's words when the command can't be run, "conflict" when the container has
 * ended, "internal" otherwise.
 */
export async function startExec(bundle: string, request: ExecRequest, calls: ExecCalls): Promise<ExecHandle> {
  const file = join(bundle, `process-${randomBytes(8).toString("hex")}.json`);
  writeFileSync(file, specJson(withSize(request)), { mode: 0o600, flag: "wx" });
  try {
    const { stream, ok } = await StreamConnection.open(bundle, ToShim.exec, payload(file, request), wanted(request));
    const number = ok.readUInt32LE(0);
    const detached = !request.stdin && !request.stdout && !request.stderr;
    // A terminal gives output even so: it must not wait for a reader.
    if (detached) stream.close();
    return {
      pid: ok.readUInt32LE(4),
      number,
      stream: detached ? undefined : stream,
      exited: stream.exit.then(execExit),
      resize: (height, width) => calls.resize(number, height, width),
      signal: (signal) => calls.signal(number, signal),
      noted: () => rmSync(exitFile(bundle, number), { force: true }),
    };
  } catch (error) {
    throw toError(error, request.process.args[0] ?? "");
  } finally {
    // The runtime has read it, or never will.
    rmSync(file, { force: true });
  }
}

/** How it ended, when that was before anyone asked again; else its exit is waited for. */
export async function resumeExec(
  bundle: string,
  number: number,
  calls: ExecCalls,
): Promise<ExecHandle | ExitStatus | undefined> {
  const noted = (): void => rmSync(exitFile(bundle, number), { force: true });
  const nothing = { stdin: false, stdout: false, stderr: false };
  try {
    const { stream } = await StreamConnection.open(bundle, ToShim.attach, numbers(number, 0), nothing);
    return {
      pid: 0,
      number,
      stream: undefined,
      exited: stream.exit.then(execExit),
      resize: (height, width) => calls.resize(number, height, width),
      signal: (signal) => calls.signal(number, signal),
      noted,
    };
  } catch (error) {
    if (!(error instanceof ShimRefusal && error.code === ESRCH)) throw error;
    return readExit(exitFile(bundle, number));
  }
}

/** Written by the shim when an exec has ended. */
function exitFile(bundle: string, number: number): string {
  return join(bundle, `exec-${number}.exit`);
}

/** The runtime gives a terminal its size before the process runs; from here it would come a moment too late. */
function withSize({ process, consoleSize }: ExecRequest): OciProcess {
  return process.terminal === true && consoleSize !== undefined ? { ...process, consoleSize } : process;
}

/** A terminal has one output. */
function wanted(request: ExecRequest): { stdin: boolean; stdout: boolean; stderr: boolean } {
  const terminal = request.process.terminal === true;
  return { stdin: request.stdin, stdout: request.stdout, stderr: request.stderr && !terminal };
}

function payload(file: string, request: ExecRequest): Buffer {
  const flags = wantBits(wanted(request)) | (request.process.terminal === true ? Want.terminal : 0);
  const size = request.consoleSize;
  return Buffer.concat([sized(flags, size?.height ?? 0, size?.width ?? 0), Buffer.from(file)]);
}

function execExit(frame: Buffer | undefined): ExitStatus {
  // Without EXIT the shim was killed; its container is killed for it.
  if (frame === undefined) return { code: KILLED, oomKilled: false, at: timeText(BigInt(Date.now()) * 1_000_000n) };
  return { code: frame.readUInt32LE(4), oomKilled: false, at: timeText(frame.readBigUInt64LE(16)) };
}

function toError(error: unknown, command: string): unknown {
  if (!(error instanceof ShimRefusal)) return error;
  if (error.code === ESRCH) return new HoyError("conflict", "the container is not running", { cause: error });
  return runtimeFailure("exec", error.message, command);
}
