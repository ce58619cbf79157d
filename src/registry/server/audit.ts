// The audit log: one JSON line for every request that changed something or tried to, and for every refusal; who, from
// where, what, and how it ended. Not the server's own log; reading is not written down.

import { appendFileSync, createWriteStream, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export interface AuditEntry {
  /** undefined: nobody in particular. */
  readonly user: string | undefined;
  /** Who the caller said to be, without having shown it. */
  readonly claimed?: string | undefined;
  readonly address: string | undefined;
  /** Of HTTP, or "COMMAND" for one that was given on the registry's host. */
  readonly method: string;
  /** Without the query, which may hold what is nobody's business; of a command, its words. */
  readonly path: string;
  /** Of HTTP; of a command, its exit code. */
  readonly status: number;
}

export interface Audit {
  write(entry: AuditEntry): void;
  close(): Promise<void>;
}

const PLACE = "audit-log";

/** Tells commands on this host where the log is; undefined: none is kept. */
export function placeAudit(root: string, path: string | undefined): void {
  const note = join(root, PLACE);
  if (path === undefined) {
    rmSync(note, { force: true });
    return;
  }
  writeFileSync(`${note}.new`, `${resolve(path)}\n`, { mode: 0o600 });
  renameSync(`${note}.new`, note);
}

/** Where the server of `root` keeps its log, or last did. */
export function auditPathOf(root: string): string | undefined {
  try {
    return readFileSync(join(root, PLACE), "utf8").trim() || undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** One line at the end, beside the server's own. @param entry undefined: only whether it can be written. */
export function appendAudit(path: string, entry: AuditEntry | undefined): void {
  appendFileSync(path, entry === undefined ? "" : line(entry), { mode: 0o600 });
}

const line = (entry: AuditEntry) => `${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`;

/** Adds to `path`, mode 0600. @param failed Told when the file can't be written; requests go on. */
export function openAudit(path: string, failed: (error: Error) => void): Audit {
  const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
  stream.on("error", failed);
  return {
    write: (entry) => void stream.write(line(entry)),
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}

/** Whether a request is for the audit log. */
export function isAudited(method: string, status: number): boolean {
  return !["GET", "HEAD"].includes(method) || status === 401 || status === 403 || status === 429;
}
