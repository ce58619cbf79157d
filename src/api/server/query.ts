// Parameters of a query string, read as Docker reads them (moby api/server/httputils/form.go). Only strings and
// numbers go in; anything malformed is a 400 that names the parameter.

import { HoyError } from "../../base/error.ts";

const FALSE = new Set(["", "0", "no", "false", "none"]);

export class Query {
  readonly #params: URLSearchParams;

  constructor(text: string) {
    this.#params = new URLSearchParams(text);
  }

  has(name: string): boolean {
    return this.#params.has(name);
  }

  /** First value; "" when absent. */
  text(name: string): string {
    return this.#params.get(name) ?? "";
  }

  /** First value; undefined when absent or empty. */
  optional(name: string): string | undefined {
    const value = this.#params.get(name);
    return value === null || value === "" ? undefined : value;
  }

  all(name: string): string[] {
    return this.#params.getAll(name);
  }

  /** Anything but "", "0", "no", "false" and "none" is true. */
  bool(name: string, fallback = false): boolean {
    const value = this.#params.get(name);
    return value === null ? fallback : !FALSE.has(value.trim().toLowerCase());
  }

  /** @throws HoyError "invalid" when it is there and not a whole number. */
  int(name: string): number | undefined {
    const value = this.optional(name);
    if (value === undefined) return undefined;
    const number = /^[+-]?[0-9]{1,19}$/.test(value) ? Number(value) : Number.NaN;
    if (!Number.isSafeInteger(number)) {
      throw new HoyError(
        "invalid",
        `invalid value for "${name}": strconv.Atoi: parsing ${JSON.stringify(value.slice(0, 100))}: invalid syntax`,
      );
    }
    return number;
  }

  /** A Unix time, "seconds[.nanoseconds]". "0" and "" are no bound. @throws HoyError "invalid". */
  time(name: string): string | undefined {
    const value = this.optional(name);
    // "until=0" is no bound; "since=0" is one: of the events, all that are kept.
    if (value === undefined || (value === "0" && name === "until")) return undefined;
    if (!/^-?[0-9]{1,18}(\.[0-9]{1,9})?$/.test(value)) {
      throw new HoyError("invalid", `invalid value for "${name}": ${JSON.stringify(value.slice(0, 100))}`);
    }
    return value;
  }
}
