// How a command ends badly: an exit code, and the text for standard error. Commands throw these; `main.ts` prints.
// Errors of the engine (HoyError) need no wrapping: they are printed as they are, with exit code 1.

/** A finished verdict: `message` goes to standard error as is (nothing when empty), `exitCode` to the shell. */
export class ExitError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message = "", cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ExitError";
    this.exitCode = exitCode;
  }
}

/** Said of a flag or argument that can't be right; the command's own parser adds usage where docker does. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Collects failures of a command that goes on with the next argument (rm, stop, kill …). */
export class FailureList {
  readonly #messages: string[] = [];

  add(thrown: unknown): void {
    this.#messages.push(messageOf(thrown));
  }

  get empty(): boolean {
    return this.#messages.length === 0;
  }

  /** @throws ExitError 1 with one line a failure, as docker joins them. */
  raise(): void {
    if (!this.empty) throw new ExitError(1, this.#messages.join("\n"));
  }
}

export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
