// The client's configuration, ~/.docker/config.json: read once, kept whole when written back, so that what we do not
// know is not lost. Written beside and renamed, mode 0600, as it may hold passwords.

import { mkdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { lazy } from "../base/builtin.ts";
import { messageOf } from "../base/errors.ts";

export interface ProxyConfig {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  readonly noProxy?: string;
  readonly ftpProxy?: string;
  readonly allProxy?: string;
}

export interface StoredAuth {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
  registrytoken?: string;
}

/** The keys that are used; others are kept as they are. */
export interface ConfigData {
  auths?: Record<string, StoredAuth>;
  HttpHeaders?: Record<string, string>;
  psFormat?: string;
  imagesFormat?: string;
  networksFormat?: string;
  volumesFormat?: string;
  statsFormat?: string;
  detachKeys?: string;
  credsStore?: string;
  credHelpers?: Record<string, string>;
  pruneFilters?: string[];
  proxies?: Record<string, ProxyConfig>;
  currentContext?: string;
  cliPluginsExtraDirs?: string[];
}

export class ConfigFile {
  readonly directory: string;
  readonly path: string;
  readonly data: ConfigData;
  /** What was wrong with the file; the command goes on without it, as docker's does. */
  readonly warning: string | undefined;

  constructor(directory: string) {
    this.directory = directory;
    this.path = join(directory, "config.json");
    const { data, warning } = read(this.path);
    this.data = data;
    this.warning = warning;
  }

  /** @throws HoyError when it can't be written. */
  save(): void {
    const file = resolved(this.path);
    const draft = `${file}.${lazy.crypto.randomBytes(6).toString("hex")}`;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(draft, `${JSON.stringify(this.data, undefined, "\t")}`, { mode: 0o600, flag: "wx", flush: true });
      renameSync(draft, file);
    } catch (thrown) {
      rmSync(draft, { force: true });
      throw new HoyError("internal", `can't write ${this.path}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }

  /** HTTP_PROXY and kin for new containers, by the engine's address or for all; the user's own -e win. */
  proxies(host: string, given: ReadonlySet<string>): Map<string, string> {
    const proxy = this.data.proxies?.[host] ?? this.data.proxies?.default ?? {};
    const found = new Map<string, string>();
    const set = (name: string, value: string | undefined) => {
      if (value === undefined || value === "") return;
      for (const spelling of [name, name.toLowerCase()]) if (!given.has(spelling)) found.set(spelling, value);
    };
    set("HTTP_PROXY", proxy.httpProxy);
    set("HTTPS_PROXY", proxy.httpsProxy);
    set("NO_PROXY", proxy.noProxy);
    set("FTP_PROXY", proxy.ftpProxy);
    set("ALL_PROXY", proxy.allProxy);
    return found;
  }
}

function read(path: string): { data: ConfigData; warning: string | undefined } {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    const missing = thrown instanceof Error && "code" in thrown && ["ENOENT", "ENOTDIR"].includes(String(thrown.code));
    return {
      data: {},
      warning: missing ? undefined : `WARNING: Error loading config file: ${path}: ${messageOf(thrown)}`,
    };
  }
  if (text.trim() === "") return { data: {}, warning: undefined };
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data !== "object" || data === null || Array.isArray(data)) throw new Error("not a JSON object");
    return { data, warning: undefined };
  } catch (thrown) {
    return { data: {}, warning: `WARNING: Error loading config file: ${path}: ${messageOf(thrown)}` };
  }
}

/** A configuration that is a link (dotfiles) stays one: what it points to is replaced. */
function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
