// Who we are at a registry: from the configuration's `auths`, or from a credential helper (docker-credential-NAME), by
// docker's rules. A helper's words never go to the terminal: they may hold the secret.

import { HoyError } from "../../base/error.ts";
import type { Reference } from "../../image/reference.ts";
import type { ConfigFile, StoredAuth } from "./file.ts";

/** The name under which Docker Hub's credentials are kept, since always. */
export const HUB_KEY = "https://index.docker.io/v1/";

export interface Credentials {
  username?: string;
  password?: string;
  identitytoken?: string;
  registrytoken?: string;
  serveraddress?: string;
}

/** The key of a registry's credentials. */
export function registryKey(domain: string): string {
  return ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(domain) ? HUB_KEY : domain;
}

/** X-Registry-Auth for an image's registry; no header when nothing is known of it. */
export async function authHeader(config: ConfigFile, reference: Reference): Promise<Record<string, string>> {
  const credentials = await getCredentials(config, registryKey(reference.domain));
  return credentials === undefined ? {} : { "X-Registry-Auth": encodeAuth(credentials) };
}

export function encodeAuth(credentials: Credentials): string {
  return Buffer.from(JSON.stringify(credentials)).toString("base64url").padEnd(4, "=");
}

export async function getCredentials(config: ConfigFile, key: string): Promise<Credentials | undefined> {
  const helper = helperOf(config, key);
  if (helper !== undefined) return fromHelper(helper, key);
  const stored = findStored(config.data.auths ?? {}, key);
  return stored === undefined ? undefined : fromStored(stored, key);
}

/** @throws HoyError when the helper fails. */
export async function storeCredentials(config: ConfigFile, key: string, credentials: Credentials): Promise<void> {
  const helper = helperOf(config, key);
  config.data.auths ??= {};
  if (helper === undefined) {
    const { username = "", password = "", identitytoken } = credentials;
    const auth = Buffer.from(`${username}:${password}`).toString("base64");
    config.data.auths[key] = { auth, ...(identitytoken === undefined ? {} : { identitytoken }) };
  } else {
    const token = credentials.identitytoken;
    const Username = token === undefined ? (credentials.username ?? "") : "<token>";
    const Secret = token ?? credentials.password ?? "";
    await callHelper(helper, "store", JSON.stringify({ ServerURL: key, Username, Secret }));
    // Only the name is kept here, so that the registry is known as one we are logged in to.
    config.data.auths[key] = {};
  }
  config.save();
}

/** True when there was something to erase. */
export async function eraseCredentials(config: ConfigFile, key: string): Promise<void> {
  const helper = helperOf(config, key);
  if (helper !== undefined) await callHelper(helper, "erase", key);
  for (const name of Object.keys(config.data.auths ?? {}))
    if (hostOf(name) === hostOf(key)) delete config.data.auths?.[name];
  config.save();
}

function helperOf(config: ConfigFile, key: string): string | undefined {
  return config.data.credHelpers?.[hostOf(key)] ?? config.data.credHelpers?.[key] ?? config.data.credsStore;
}

/** "https://host/path" and "host" mean the same registry. */
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function findStored(auths: Record<string, StoredAuth>, key: string): StoredAuth | undefined {
  if (Object.hasOwn(auths, key)) return auths[key];
  const name = Object.keys(auths).find((each) => hostOf(each) === hostOf(key));
  return name === undefined ? undefined : auths[name];
}

function fromStored(stored: StoredAuth, key: string): Credentials {
  const credentials: Credentials = { serveraddress: key };
  const decoded = Buffer.from(stored.auth ?? "", "base64").toString();
  const colon = decoded.indexOf(":");
  const username = stored.username ?? (colon < 0 ? undefined : decoded.slice(0, colon));
  const password = stored.password ?? (colon < 0 ? undefined : decoded.slice(colon + 1).replace(/\0+$/, ""));
  if (username !== undefined) credentials.username = username;
  if (password !== undefined) credentials.password = password;
  if (stored.identitytoken !== undefined) credentials.identitytoken = stored.identitytoken;
  if (stored.registrytoken !== undefined) credentials.registrytoken = stored.registrytoken;
  return credentials;
}

async function fromHelper(helper: string, key: string): Promise<Credentials | undefined> {
  const answer = await callHelper(helper, "get", key);
  if (answer === undefined) return undefined;
  let parsed: { Username?: string; Secret?: string };
  try {
    parsed = JSON.parse(answer) as typeof parsed;
  } catch (cause) {
    throw new HoyError("internal", `docker-credential-${helper}: its answer is not JSON`, { cause });
  }
  const { Username = "", Secret = "" } = parsed;
  if (Username === "<token>") return { identitytoken: Secret, serveraddress: key };
  return { username: Username, password: Secret, serveraddress: key };
}

/** A helper's standard output; undefined when it has no such credentials. */
async function callHelper(helper: string, verb: "get" | "store" | "erase", input: string): Promise<string | undefined> {
  if (!/^[A-Za-z0-9_.-]+$/.test(helper))
    throw new HoyError("invalid", `bad name of a credential helper: ${JSON.stringify(helper)}`);
  const { spawnSync } = await import("node:child_process");
  const program = `docker-credential-${helper}`;
  const { status, stdout, error } = spawnSync(program, [verb], { input, encoding: "utf8", timeout: 60_000 });
  if (error !== undefined)
    throw new HoyError("internal", `error getting credentials - err: exec: "${program}": ${error.message}`, {
      cause: error,
    });
  if (status === 0) return stdout;
  const said = stdout.trim();
  if (verb !== "store" && said === "credentials not found in native keychain") return undefined;
  throw new HoyError("internal", `error getting credentials - err: exit status ${status}, out: \`${said}\``);
}
