// Test images in a registry, put there by plain requests: one whose single layer is a large root file system, one of ten
// layers of the same bytes together. And registries of their own, so that a push finds nothing that is there already.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { sha256 } from "../src/base/digest.ts";
import { writeManifest } from "../src/image/manifest.ts";
import { mediaTypes } from "../src/image/media-types.ts";
import { END_OF_ARCHIVE, formatHeader, paddingAfter } from "../src/storage/tar/writer.ts";

const HOY = resolve(import.meta.dir, "../dist/hoy");

export interface BenchRegistry extends AsyncDisposable {
  readonly address: string;
}

/** A `hoy registry` with nothing in it, on a loopback port of its own. */
export async function emptyRegistry(): Promise<BenchRegistry> {
  const root = mkdtempSync("/tmp/hoy-bench-registry-");
  const argv = [HOY, "registry", "serve", "--listen", "127.0.0.1:0", "--root", join(root, "data")];
  const server = Bun.spawn(argv, { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
  const address = await announced(server.stdout);
  return {
    address,
    async [Symbol.asyncDispose]() {
      server.kill("SIGTERM");
      await server.exited;
      rmSync(root, { recursive: true, force: true });
    },
  };
}

async function announced(output: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of output) {
    text += new TextDecoder().decode(chunk);
    const address = /registry on http:\/\/(\S+),/.exec(text)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error(`the registry ended: ${text}`);
}

/** Puts both images: ADDRESS/one:1 and ADDRESS/ten:1. @param gzip The large layer, as .tar.gz. */
export async function putImages(address: string, gzip: string): Promise<void> {
  const packed = readFileSync(gzip);
  const tar = gunzipSync(packed);
  await putImage(`${address}`, "one", [{ packed, tar }]);
  const size = Math.ceil(tar.length / 10);
  const parts = Array.from({ length: 10 }, (_, index) => {
    const part = asTar(`part-${index}`, tar.subarray(index * size, (index + 1) * size));
    return { tar: part, packed: gzipSync(part, { level: 6 }) };
  });
  await putImage(address, "ten", parts);
}

function asTar(name: string, data: Uint8Array): Buffer {
  const device = { major: 0, minor: 0 };
  const rest = { linkname: "", uid: 0, gid: 0, mtime: 0n, device, xattrs: new Map<string, Uint8Array>() };
  const header = formatHeader({ type: "file", name, mode: 0o644, size: data.length, ...rest });
  return Buffer.concat([header, data, paddingAfter(data.length), END_OF_ARCHIVE]);
}

async function putImage(address: string, name: string, layers: readonly { packed: Buffer; tar: Buffer }[]) {
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: { Cmd: ["sh"] },
      rootfs: { type: "layers", diff_ids: layers.map(({ tar }) => sha256(tar)) },
      history: layers.map(() => ({ created_by: "bench" })),
    }),
  );
  const base = `http://${address}/v2/${name}`;
  for (const bytes of [config, ...layers.map(({ packed }) => packed)]) {
    const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
    const url = new URL(begun.headers.get("location") ?? "", base);
    url.searchParams.set("digest", sha256(bytes));
    await expectOk(fetch(url, { method: "PUT", body: bytes }));
  }
  const manifest = writeManifest(
    { mediaType: mediaTypes.ociConfig, digest: sha256(config), size: config.length },
    layers.map(({ packed }) => ({ mediaType: mediaTypes.ociLayerGzip, digest: sha256(packed), size: packed.length })),
  );
  const headers = { "Content-Type": mediaTypes.ociManifest };
  await expectOk(fetch(`${base}/manifests/1`, { method: "PUT", headers, body: manifest }));
}

async function expectOk(answer: Promise<Response>): Promise<void> {
  const response = await answer;
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
}
