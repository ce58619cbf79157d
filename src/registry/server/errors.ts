// What goes wrong at the registry's door: the error codes of the OCI distribution spec (spec.md#error-codes) with the
// status of each. Not a HoyError: its answers are of another shape, and more statuses are needed (405, 416, 429).

export type RegistryErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "TOOMANYREQUESTS"
  | "UNKNOWN";

export interface RegistryErrorOptions {
  /** Extra headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly detail?: unknown;
  readonly cause?: unknown;
}

export class RegistryError extends Error {
  readonly status: number;
  readonly code: RegistryErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly detail: unknown;

  constructor(status: number, code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RegistryError";
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
    this.detail = options.detail;
  }

  /** The body of the answer: `{"errors":[{code, message, detail?}]}`. */
  body(): string {
    const { code, message, detail } = this;
    return JSON.stringify({ errors: [detail === undefined ? { code, message } : { code, message, detail }] });
  }
}

/** Whether a fault's code says that there is no room on the disk, to the file system or to SQLite. */
export function isFull(code: unknown): boolean {
  return code === "ENOSPC" || code === "EDQUOT" || code === "SQLITE_FULL";
}
