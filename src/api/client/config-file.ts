// The user's client configuration, shared with the docker command: ~/.docker/config.json (docker/cli cli/config).
// What is not known here is kept as it is when the file is written again.

import { randomBytes } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { HoyError } from "../../base/error.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The fields that are used; the rest of the file rides along. */
export interface ConfigFile {
  auths?: Record<string, { auth?: string; identitytoken?: string; registrytoken?: string; email?: string }>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
  HttpHeaders?: Record<string, string>;
  currentContext?: string;
  detachKeys?: string;
  psFormat?: string;
  imagesFormat?: string;
  networksFormat?: string;
  volumesFormat?: string;
  statsFormat?: string;
  pruneFilters?: string[];
  proxies?: Record<string, Record<string, string>>;
  [other: string]: unknown;
}

/** DOCKER_CONFIG, else ~/.docker. */
export function configDirectory(env: Environment): string {
  return env.DOCKER_CONFIG || join(env.HOME || homedir(), ".docker");
}

/** An absent file is an empty configuration. @throws HoyError "invalid" when it can't be read or is not JSON. */
export function readConfigFile(directory: string): ConfigFile {
  const path = join(directory, "config.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new HoyError("invalid", `loading config file: ${path}: ${(cause as Error).message}`, { cause });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as ConfigFile;
  } catch (cause) {
    throw new HoyError("invalid", `loading config file: ${path}: ${(cause as Error).message}`, { cause });
  }
  throw new HoyError("invalid", `loading config file: ${path}: not a JSON object`);
}

/** Replaces the file in one step, mode 0600 from its first byte: it may hold passwords. Links are followed. */
export function writeConfigFile(directory: string, config: ConfigFile): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writePrivate(join(directory, "config.json"), `${JSON.stringify(config, null, "\t")}\n`);
}

/** Writes beside, fsync, rename; mode 0600 whatever the umask. */
export function writePrivate(path: string, content: string | Uint8Array): void {
  const target = resolveLink(path);
  const beside = `${target}.${randomBytes(6).toString("hex")}`;
  const file = openSync(beside, "wx", 0o600);
  try {
    fchmodSync(file, 0o600);
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } catch (thrown) {
    rmSync(beside, { force: true });
    throw thrown;
  } finally {
    closeSync(file);
  }
  renameSync(beside, target);
  const folder = openSync(dirname(target), "r");
  fsyncSync(folder);
  closeSync(folder);
}

function resolveLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // not there yet
  }
}
