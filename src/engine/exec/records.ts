// What the next engine must know of an exec: a file `exec-ID.json` (0600: the environment may hold secrets) in the
// container's bundle, so that it ends with the container's run. Written when the process runs, and again with its exit code.

import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecCreateRequest } from "../../api/types/exec.ts";
import { log } from "../../base/log.ts";
import { isErrno } from "../../linux/libc.ts";
import type { Container } from "../containers/container.ts";
import { Exec } from "./exec.ts";

const NAME = /^exec-([0-9a-f]{64})\.json$/;

export interface ExecRecord {
  readonly exec: Exec;
  /** The shim's number of it. */
  readonly number: number;
}

/** What can't be written is lost to the next engine alone: no reason to fail. */
export function writeExecRecord(container: Container, exec: Exec, number: number): void {
  const { request, user, pid, exitCode } = exec;
  const file = fileOf(container, exec.id);
  try {
    writeFileSync(`${file}.tmp`, JSON.stringify({ number, request, user, pid, exitCode }), { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
  } catch (error) {
    rmSync(`${file}.tmp`, { force: true });
    // The bundle goes at the container's end, which may be the exec's, too.
    if (!isErrno(error, "ENOENT")) log.warn("an exec could not be noted", { exec: exec.id, error });
  }
}

export function removeExecRecord(container: Container, id: string): void {
  rmSync(fileOf(container, id), { force: true });
}

/** Those of a container that runs on. */
export function readExecRecords(container: Container): ExecRecord[] {
  return readdirSync(container.paths.bundle).flatMap((name) => {
    const id = NAME.exec(name)?.[1];
    const record = id === undefined ? undefined : parse(container, id);
    return record === undefined ? [] : [record];
  });
}

function parse(container: Container, id: string): ExecRecord | undefined {
  const value: unknown = JSON.parse(readFileSync(fileOf(container, id), "utf8"));
  if (typeof value !== "object" || value === null) return undefined;
  const { number, request, user, pid, exitCode } = value as Record<string, unknown>;
  if (typeof number !== "number" || typeof request !== "object" || request === null) return undefined;
  if (typeof user !== "string" || typeof pid !== "number") return undefined;
  const exec = new Exec(id, container.id, request as ExecCreateRequest, user);
  exec.pid = pid;
  exec.exitCode = typeof exitCode === "number" ? exitCode : null;
  return { exec, number };
}

function fileOf(container: Container, id: string): string {
  return join(container.paths.bundle, `exec-${id}.json`);
}
