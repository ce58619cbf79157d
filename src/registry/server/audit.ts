// The audit log: one JSON line for every request that changed something or tried to, and for every refusal; who, from
// where, what, and how it ended. Not the server's own log; reading is not written down.

import { createWriteStream } from "node:fs";

export interface AuditEntry {
  /** undefined: nobody in particular. */
  readonly user: string | undefined;
  /** Who the caller said to be, without having shown it. */
  readonly claimed?: string | undefined;
  readonly address: string | undefined;
  readonly method: string;
  /** Without the query, which may hold what is nobody's business. */
  readonly path: string;
  readonly status: number;
}

export interface Audit {
  write(entry: AuditEntry): void;
  close(): Promise<void>;
}

/** Adds to `path`, mode 0600. @param failed Told when the file can't be written; requests go on. */
export function openAudit(path: string, failed: (error: Error) => void): Audit {
  const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
  stream.on("error", failed);
  return {
    write: (entry) => void stream.write(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`),
    close: () => new Promise((resolve) => stream.end(() => resolve())),
  };
}

/** Whether a request is for the audit log. */
export function isAudited(method: string, status: number): boolean {
  return !["GET", "HEAD"].includes(method) || status === 401 || status === 403 || status === 429;
}
