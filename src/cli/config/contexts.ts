// Contexts: named engines, kept under ~/.docker/contexts as docker keeps them, so both programs see the same ones.
// meta/<sha256 of the name>/meta.json says what it is; tls/<same>/docker/*.pem holds its certificates.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { lazy } from "../base/builtin.ts";
import { messageOf } from "../base/errors.ts";
import { compareNatural } from "../base/text.ts";

export const DEFAULT_CONTEXT = "default";

export interface ContextMeta {
  readonly Name: string;
  readonly Metadata: { readonly Description?: string; readonly [key: string]: unknown };
  readonly Endpoints: Readonly<Record<string, { readonly Host?: string; readonly SkipTLSVerify?: boolean }>>;
}

/** PEM texts by docker's file names: "ca.pem", "cert.pem", "key.pem". */
export type ContextTls = Readonly<Record<string, string>>;

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;

export class ContextStore {
  readonly #root: string;

  constructor(configDirectory: string) {
    this.#root = join(configDirectory, "contexts");
  }

  /** @throws HoyError "invalid" */
  static checkName(name: string): void {
    if (name === "") throw new HoyError("invalid", "context name cannot be empty");
    if (name === DEFAULT_CONTEXT) throw new HoyError("invalid", '"default" is a reserved context name');
    if (!NAME.test(name))
      throw new HoyError(
        "invalid",
        `context name ${JSON.stringify(name)} is invalid, names are validated against regexp ${JSON.stringify(NAME.source)}`,
      );
  }

  list(): ContextMeta[] {
    const folder = join(this.#root, "meta");
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .flatMap((id) => readMeta(join(folder, id, "meta.json")) ?? [])
      .sort((left, right) => compareNatural(left.Name, right.Name));
  }

  /** @throws HoyError "not-found" in docker's words. */
  get(name: string): ContextMeta {
    const file = join(this.metaPath(name), "meta.json");
    const meta = readMeta(file);
    if (meta === undefined)
      throw new HoyError(
        "not-found",
        `context ${JSON.stringify(name)}: context not found: open ${file}: no such file or directory`,
      );
    return meta;
  }

  has(name: string): boolean {
    return existsSync(join(this.metaPath(name), "meta.json"));
  }

  tls(name: string): ContextTls {
    const folder = join(this.tlsPath(name), "docker");
    if (!existsSync(folder)) return {};
    return Object.fromEntries(
      ["ca.pem", "cert.pem", "key.pem"]
        .filter((file) => existsSync(join(folder, file)))
        .map((file) => [file, readFileSync(join(folder, file), "utf8")]),
    );
  }

  /** Creates or replaces. */
  put(meta: ContextMeta, tls: ContextTls): void {
    mkdirSync(this.metaPath(meta.Name), { recursive: true, mode: 0o755 });
    writeFileSync(join(this.metaPath(meta.Name), "meta.json"), JSON.stringify(meta), { mode: 0o644 });
    rmSync(this.tlsPath(meta.Name), { recursive: true, force: true });
    const folder = join(this.tlsPath(meta.Name), "docker");
    for (const [file, text] of Object.entries(tls)) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      writeFileSync(join(folder, file), text, { mode: 0o600 });
    }
  }

  remove(name: string): void {
    rmSync(this.metaPath(name), { recursive: true, force: true });
    rmSync(this.tlsPath(name), { recursive: true, force: true });
  }

  metaPath(name: string): string {
    return join(this.#root, "meta", idOf(name));
  }

  tlsPath(name: string): string {
    return join(this.#root, "tls", idOf(name));
  }
}

const idOf = (name: string) => lazy.crypto.createHash("sha256").update(name).digest("hex");

function readMeta(file: string): ContextMeta | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as ContextMeta;
  } catch (thrown) {
    throw new HoyError("internal", `can't read context ${file}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
