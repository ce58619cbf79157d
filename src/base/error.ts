// The one error of hoy: what went wrong, in words a user can act on, and how each door says it
// (HTTP status for the API, exit code for the command line). Anything else that is thrown is a bug,
// and is turned into one of these, once, at the edge (see `toHoyError`).

/** What kind of fault it is; fixes the HTTP status. Names follow Go's containerd/errdefs. */
export type ErrorCode =
  | "invalid" // 400: the request can't be right, whatever the state
  | "unauthorized" // 401
  | "forbidden" // 403
  | "not-found" // 404
  | "conflict" // 409: right, but not in this state
  | "not-modified" // 304: already so (start of a running container)
  | "too-large" // 413
  | "internal" // 500
  | "not-implemented" // 501: known, and not there yet
  | "unavailable" // 503
  | "cancelled"; // 499: the caller went away

const STATUS: Record<ErrorCode, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  "not-modified": 304,
  "too-large": 413,
  internal: 500,
  "not-implemented": 501,
  unavailable: 503,
  cancelled: 499,
};

export interface HoyErrorOptions {
  /** What the user can do about it; one sentence, shown after the message. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class HoyError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: HoyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HoyError";
    this.code = code;
    this.hint = options.hint;
  }

  /** HTTP status of this error. */
  get status(): number {
    return STATUS[this.code];
  }
}

/** The same error, its words led in by what was being done; what is no HoyError stays as it is. */
export function leadIn(words: string, error: unknown): unknown {
  if (!(error instanceof HoyError)) return error;
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return new HoyError(error.code, `${words}: ${error.message}`, { ...hint, cause: error });
}

/** Normalises anything thrown: a HoyError stays itself, an abort is "cancelled", the rest is "internal". */
export function toHoyError(thrown: unknown): HoyError {
  if (thrown instanceof HoyError) return thrown;
  if (thrown instanceof Error) {
    if (thrown.name === "AbortError") return new HoyError("cancelled", "the request was cancelled", { cause: thrown });
    return new HoyError("internal", thrown.message, { cause: thrown });
  }
  return new HoyError("internal", String(thrown), { cause: thrown });
}
