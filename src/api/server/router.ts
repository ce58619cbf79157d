// Path and method → route. Patterns are written as in Docker's swagger: {id} is one segment, {name*} may hold slashes
// (image references do, and a container's name by a link: parent/alias). With and without the /v1.NN prefix; the version is checked here, once for every route.

import { HoyError } from "../../base/error.ts";
import { API_VERSION, compareVersions, isVersion, MIN_API_VERSION } from "../version.ts";
import type { Call } from "./call.ts";

export type Handler = (call: Call) => Promise<void>;

export interface Route {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly handler: Handler;
  /** Takes over the connection (attach, exec, session): an `Upgrade` header is honoured. */
  readonly hijack?: boolean;
}

interface Compiled {
  readonly route: Route;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

export interface Match {
  readonly route: Route;
  readonly params: ReadonlyMap<string, string>;
}

export class Router {
  readonly #byMethod = new Map<string, Compiled[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const list = this.#byMethod.get(route.method) ?? [];
      list.push(compile(route));
      this.#byMethod.set(route.method, list);
    }
  }

  /** The first route whose pattern fits; `path` is decoded and without version. */
  find(method: string, path: string): Match | undefined {
    for (const { route, pattern, names } of this.#byMethod.get(method) ?? []) {
      const found = pattern.exec(path);
      if (found === null) continue;
      return { route, params: new Map(names.map((name, i) => [name, found[i + 1] ?? ""])) };
    }
    return undefined;
  }
}

/**
 * Takes the version off a path. No prefix means the newest version.
 * @throws HoyError "invalid" for a version outside of what the server speaks.
 */
export function splitVersion(path: string): { version: string; path: string } {
  const found = /^\/v([0-9][0-9.]*)(\/.*)$/.exec(path);
  const version = found?.[1];
  const rest = found?.[2];
  if (version === undefined || rest === undefined) return { version: API_VERSION, path };
  if (!isVersion(version)) throw new HoyError("invalid", `invalid API version: ${version.slice(0, 40)}`);
  if (compareVersions(version, API_VERSION) > 0) {
    throw new HoyError(
      "invalid",
      `client version ${version} is too new. Maximum supported API version is ${API_VERSION}`,
    );
  }
  if (compareVersions(version, MIN_API_VERSION) < 0) {
    throw new HoyError(
      "invalid",
      `client version ${version} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    );
  }
  return { version, path: rest };
}

function compile(route: Route): Compiled {
  const names: string[] = [];
  const source = route.path
    .split(/(\{[a-z]+\*?\})/)
    .map((part) => {
      if (!part.startsWith("{")) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      const many = part.endsWith("*}");
      names.push(part.slice(1, many ? -2 : -1));
      return many ? "(.+)" : "([^/]+)";
    })
    .join("");
  return { route, pattern: new RegExp(`^${source}$`, "s"), names };
}
