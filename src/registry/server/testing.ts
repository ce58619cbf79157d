// For tests: a registry on a free port with a folder of its own, and the few requests that most tests make.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REGISTRY_DEFAULTS, type RegistryServer, type RegistryServerOptions, startRegistry } from "./server.ts";

export class TestRegistry {
  readonly root: string;
  readonly url: string;
  readonly metricsPort: number | undefined;
  readonly #close: () => Promise<void>;

  private constructor(root: string, { port, metricsPort }: RegistryServer, close: () => Promise<void>) {
    this.root = root;
    this.url = `http://127.0.0.1:${port}`;
    this.metricsPort = metricsPort;
    this.#close = close;
  }

  static async start(options: Partial<RegistryServerOptions> = {}): Promise<TestRegistry> {
    const root = options.root ?? mkdtempSync(join(tmpdir(), "hoy-registry-"));
    const server = await startRegistry({ ...REGISTRY_DEFAULTS, collectEvery: 0, port: 0, ...options, root });
    return new TestRegistry(root, server, () => server.close());
  }

  /** Stops the server; its folder stays. */
  async stop(): Promise<void> {
    await this.#close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    rmSync(this.root, { recursive: true, force: true });
  }

  request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(path.startsWith("/") ? this.url + path : path, { ...init, method, redirect: "manual" });
  }

  /** Pushes a blob whole. @returns its digest. */
  async pushBlob(name: string, data: string | Uint8Array, headers: Record<string, string> = {}): Promise<string> {
    const digest = digestOf(data);
    const response = await this.request("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: data, headers });
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
    return digest;
  }

  putManifest(name: string, reference: string, document: object | string, type = OCI_MANIFEST): Promise<Response> {
    const body = typeof document === "string" ? document : JSON.stringify(document);
    return this.request("PUT", `/v2/${name}/manifests/${reference}`, { body, headers: { "Content-Type": type } });
  }

  /** An image of one layer, with its blobs. @returns the manifest's digest and those of its blobs. */
  async pushImage(name: string, tag: string, layer = "a layer", more: object = {}) {
    const document = imageOf(await this.pushBlob(name, "{}"), await this.pushBlob(name, layer), layer.length);
    const text = JSON.stringify({ ...document, ...more });
    const response = await this.putManifest(name, tag, text);
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
    return { digest: digestOf(text), layer: digestOf(layer), text, response };
  }
}

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

export function imageOf(config: string, layer: string, size: number) {
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config, size: 2 },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layer, size }],
  };
}

export function digestOf(data: string | Uint8Array, algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(data).digest("hex")}`;
}

/** Status and the first error's code, as clients read them. */
export async function refusal(response: Response): Promise<[number, string]> {
  const { errors } = (await response.json()) as { errors: { code: string }[] };
  return [response.status, errors[0]?.code ?? ""];
}
