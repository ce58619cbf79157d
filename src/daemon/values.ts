// Typed reading of the merged configuration, and the checks that need more than a value's type: addresses, labels,
// mirrors. Every error names the flag.

import { isIP } from "node:net";
import { HoyError } from "../base/error.ts";
import { parseMirror } from "../registry/client/endpoint.ts";
import type { Config } from "./config.ts";
import type { OptionValue } from "./options/option.ts";

export class Values {
  private readonly values: ReadonlyMap<string, OptionValue>;

  constructor(config: Config) {
    this.values = config.values;
  }

  text(name: string): string {
    const value = this.values.get(name);
    return typeof value === "string" ? value : "";
  }

  /** undefined when empty. */
  optional(name: string): string | undefined {
    return this.text(name) || undefined;
  }

  flag(name: string): boolean {
    return this.values.get(name) === true;
  }

  list(name: string): readonly string[] {
    const value = this.values.get(name);
    return Array.isArray(value) ? (value as readonly string[]) : [];
  }

  /** What the option's type says it is: maps, runtimes, pools. */
  as<T extends OptionValue>(name: string, fallback: T): T {
    return (this.values.get(name) as T | undefined) ?? fallback;
  }

  /** A whole number of at least `least`. */
  number(name: string, least: number): number {
    const value = this.values.get(name);
    if (typeof value === "number" && value >= least) return value;
    throw invalid(name, `must be a number of at least ${least}`);
  }

  address(name: string): string | undefined {
    const text = this.optional(name);
    if (text !== undefined && isIP(text) === 0) throw invalid(name, `${JSON.stringify(text)} is not an IP address`);
    return text;
  }

  addresses(name: string): readonly string[] {
    for (const text of this.list(name)) {
      if (isIP(text) === 0) throw invalid(name, `${JSON.stringify(text)} is not an IP address`);
    }
    return this.list(name);
  }

  cidr(name: string): string | undefined {
    const text = this.optional(name);
    if (text !== undefined && !isCidr(text)) throw invalid(name, `${JSON.stringify(text)} is not in CIDR form`);
    return text;
  }

  /** Absolute path. */
  path(name: string): string {
    const text = this.text(name);
    if (!text.startsWith("/")) throw invalid(name, `${JSON.stringify(text)} is not an absolute path`);
    return text.length > 1 ? text.replace(/\/+$/, "") : text;
  }

  /** key=value, as the engine's labels: a key may come twice only with the same value (moby opts.ValidateLabel). */
  labels(name: string): readonly string[] {
    const seen = new Map<string, string>();
    for (const label of this.list(name)) {
      const at = label.indexOf("=");
      if (at <= 0) throw invalid(name, `bad attribute format: ${label}`);
      const [key, value] = [label.slice(0, at), label.slice(at + 1)];
      if ((seen.get(key) ?? value) !== value)
        throw invalid(name, `conflict labels for ${label} and ${key}=${seen.get(key)}`);
      seen.set(key, value);
    }
    return [...new Set(this.list(name))];
  }

  /** [SCOPE=][peer+]http(s)://host[:port][/path]/, without a query (moby registry.ValidateMirror). */
  mirrors(name: string): readonly string[] {
    return this.list(name).map((text) => {
      const { url: address } = parseMirror(text);
      let url: URL;
      try {
        url = new URL(address);
      } catch (cause) {
        throw invalid(name, `invalid mirror: ${JSON.stringify(text)} is not a URL`, cause);
      }
      if (url.protocol !== "http:" && url.protocol !== "https:") {
        throw invalid(
          name,
          `invalid mirror: unsupported scheme in ${JSON.stringify(text)}: must use either 'https://' or 'http://'`,
        );
      }
      if (url.search !== "" || url.hash !== "")
        throw invalid(name, `invalid mirror: query or fragment in ${JSON.stringify(text)}`);
      if (url.username !== "" || url.password !== "") {
        url.password = "xxxxx";
        throw invalid(name, `invalid mirror: username/password not allowed in URI ${JSON.stringify(url.href)}`);
      }
      const before = text.slice(0, text.length - address.length);
      return `${before}${url.href.endsWith("/") ? url.href : `${url.href}/`}`;
    });
  }
}

export function isCidr(text: string): boolean {
  const [address = "", bits = "", ...more] = text.split("/");
  const family = isIP(address);
  return more.length === 0 && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}

export function invalid(name: string, why: string, cause?: unknown): HoyError {
  return new HoyError("invalid", `invalid value of "${name}": ${why}`, cause === undefined ? {} : { cause });
}
