// Contexts: named engines, kept where the docker command keeps them (docker/cli cli/context/store), so that both see the
// same: <config>/contexts/meta/<sha256 of the name>/meta.json, and certificates in <config>/contexts/tls/<id>/docker/.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { writePrivate } from "./config-file.ts";
import type { TlsMaterial } from "./endpoint.ts";

export interface ContextMeta {
  readonly Name: string;
  readonly Metadata: { readonly Description?: string; readonly [other: string]: unknown };
  readonly Endpoints: { readonly docker?: ContextEndpoint; readonly [other: string]: unknown };
}

export interface ContextEndpoint {
  readonly Host?: string;
  readonly SkipTLSVerify: boolean;
}

/** Certificates by file name: "ca.pem", "cert.pem", "key.pem". */
export type TlsFiles = Readonly<Record<string, Uint8Array>>;

const FILES = ["ca.pem", "cert.pem", "key.pem"] as const;
const MAX_FILE = 1024 * 1024;

export class ContextStore {
  readonly #root: string;

  constructor(configDirectory: string) {
    this.#root = join(configDirectory, "contexts");
  }

  /** All but "default", by name. A folder that holds no readable context is passed over. */
  list(): ContextMeta[] {
    let ids: string[];
    try {
      ids = readdirSync(join(this.#root, "meta"));
    } catch (thrown) {
      if (isAbsent(thrown)) return [];
      throw thrown;
    }
    const found = ids.map((id) => this.#read(id)).filter((meta) => meta !== undefined);
    return found.sort((a, b) => (a.Name < b.Name ? -1 : 1));
  }

  /** @throws HoyError "not-found". */
  get(name: string): ContextMeta {
    const meta = this.#read(contextId(name));
    if (meta === undefined) {
      throw new HoyError(
        "not-found",
        `context "${name}": context not found: open ${this.metaPath(name)}: no such file or directory`,
      );
    }
    return meta;
  }

  has(name: string): boolean {
    return this.#read(contextId(name)) !== undefined;
  }

  /** Makes it or replaces it; `tls` undefined keeps the certificates there are. @throws HoyError "invalid". */
  put(meta: ContextMeta, tls?: TlsFiles): void {
    checkContextName(meta.Name);
    const folder = join(this.#root, "meta", contextId(meta.Name));
    // Certificates first: a context without its certificates would be used without checking the server.
    if (tls !== undefined) this.#putTls(meta.Name, tls);
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    writePrivate(join(folder, "meta.json"), JSON.stringify(meta));
  }

  /** Idempotent. */
  remove(name: string): void {
    rmSync(join(this.#root, "meta", contextId(name)), { recursive: true, force: true });
    rmSync(join(this.#root, "tls", contextId(name)), { recursive: true, force: true });
  }

  tls(name: string): TlsFiles {
    const files: Record<string, Uint8Array> = {};
    for (const file of FILES) {
      try {
        files[file] = readFileSync(join(this.tlsPath(name), "docker", file));
      } catch (thrown) {
        if (!isAbsent(thrown)) throw thrown;
      }
    }
    return files;
  }

  /** What a connection needs of the certificates; undefined when there are none and none are asked for. */
  tlsMaterial(meta: ContextMeta): TlsMaterial | undefined {
    const files = this.tls(meta.Name);
    const skip = meta.Endpoints.docker?.SkipTLSVerify ?? false;
    if (Object.keys(files).length === 0 && !skip) return undefined;
    const text = (name: string) => (files[name] === undefined ? undefined : Buffer.from(files[name]).toString("utf8"));
    return { ca: text("ca.pem"), cert: text("cert.pem"), key: text("key.pem"), verify: !skip };
  }

  metaPath(name: string): string {
    return join(this.#root, "meta", contextId(name), "meta.json");
  }

  tlsPath(name: string): string {
    return join(this.#root, "tls", contextId(name));
  }

  #putTls(name: string, tls: TlsFiles): void {
    const folder = join(this.tlsPath(name), "docker");
    rmSync(folder, { recursive: true, force: true });
    if (Object.keys(tls).length === 0) return;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const [file, content] of Object.entries(tls)) {
      if (!FILES.some((each) => each === file)) throw new HoyError("invalid", `invalid TLS file name: ${file}`);
      if (content.length > MAX_FILE) throw new HoyError("too-large", `${file} is too large`);
      writePrivate(join(folder, file), content);
    }
  }

  #read(id: string): ContextMeta | undefined {
    let text: string;
    try {
      text = readFileSync(join(this.#root, "meta", id, "meta.json"), "utf8");
    } catch (thrown) {
      if (isAbsent(thrown)) return undefined;
      throw thrown;
    }
    let value: Partial<ContextMeta>;
    try {
      value = JSON.parse(text) as Partial<ContextMeta>;
    } catch (cause) {
      throw new HoyError("invalid", `parsing ${join(this.#root, "meta", id, "meta.json")}: not JSON`, { cause });
    }
    return { Name: String(value.Name ?? ""), Metadata: value.Metadata ?? {}, Endpoints: value.Endpoints ?? {} };
  }
}

/** @throws HoyError "invalid" in Docker's words. */
export function checkContextName(name: string): void {
  if (name === "") throw new HoyError("invalid", "context name cannot be empty");
  if (name === "default") throw new HoyError("invalid", '"default" is a reserved context name');
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/.test(name)) {
    throw new HoyError(
      "invalid",
      `context name ${JSON.stringify(name.slice(0, 100))} is invalid, names are validated against regexp "^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$"`,
    );
  }
}

export function contextId(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

function isAbsent(thrown: unknown): boolean {
  const code = (thrown as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}
