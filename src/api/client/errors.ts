// The client's errors: what the engine said, and why it could not be reached, in the words that scripts look for.

import { type ErrorCode, HoyError } from "../../base/error.ts";
import type { Endpoint } from "./endpoint.ts";

const CODE: Readonly<Record<number, ErrorCode>> = {
  304: "not-modified",
  400: "invalid",
  401: "unauthorized",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
  413: "too-large",
  501: "not-implemented",
  503: "unavailable",
};

/** An error that the engine answered with. `message` is ready to be printed. */
export class DaemonError extends HoyError {
  /** HTTP status of the answer. */
  readonly answered: number;
  /** The engine's own words. */
  readonly daemonMessage: string;

  constructor(status: number, daemonMessage: string) {
    super(CODE[status] ?? "internal", `Error response from daemon: ${daemonMessage}`);
    this.name = "DaemonError";
    this.answered = status;
    this.daemonMessage = daemonMessage;
  }
}

/** The message of an error's body: `{"message"}`, or whatever text it is. */
export function daemonError(status: number, body: string): DaemonError {
  let text = body.trim();
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "message" in value) text = String(value.message).trim();
  } catch {
    // not JSON: a proxy's page, or an old daemon's plain text
  }
  return new DaemonError(status, text === "" ? `request returned ${status} and no message` : text);
}

/** Turns what connecting threw into the text that says what to do. */
export function connectError(endpoint: Endpoint, thrown: unknown): HoyError {
  if (thrown instanceof HoyError) return thrown;
  const code = errnoOf(thrown);
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (endpoint.kind === "unix" && (code === "EACCES" || code === "EPERM")) {
    return new HoyError(
      "forbidden",
      `permission denied while trying to connect to the Docker daemon socket at ${endpoint.text}: dial unix ${endpoint.path}: connect: permission denied`,
      { cause: thrown },
    );
  }
  const why = ["ENOENT", "ECONNREFUSED", "FailedToOpenSocket", "ERR_SOCKET_CLOSED"].includes(code) ? "" : ` (${text})`;
  return new HoyError(
    "unavailable",
    `Cannot connect to the Docker daemon at ${endpoint.text}. Is the docker daemon running?${why}`,
    { cause: thrown },
  );
}

function errnoOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
}
