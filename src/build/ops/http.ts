// A file from the web as a source. It is fetched before it can be known what it is, unless the build says its checksum;
// what was fetched is kept by what it contains.

import { createHash, randomUUID } from "node:crypto";
import { open, rm } from "node:fs/promises";
import { join, posix } from "node:path";
import { type Digest, parseDigest, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { userAgent } from "../../base/version.ts";
import { AT } from "../../linux/at.ts";
import { O, OwnedFd, openat2 } from "../../linux/open.ts";
import { textToRaw } from "../../storage/tar/entry.ts";
import type { Source } from "../graph.ts";
import { canonical } from "../solver/digests.ts";
import type { Operation, OperationContext } from "./operation.ts";
import { MADE_AT, NO_XATTRS } from "./tree/attributes.ts";
import { NO_DEVICE } from "./tree/draft.ts";
import { emitDraft } from "./tree/emit.ts";
import { WorkingTree } from "./tree/working-tree.ts";

type HttpSource = Extract<Source, { type: "http" }>;

const MAX_REDIRECTS = 10;
const MAX_SIZE = 16 * 2 ** 30;
/** Without a byte for this long, the server is given up. */
const STALLED_MS = 60_000;

interface Fetched {
  readonly path: string;
  readonly digest: Digest;
  readonly size: number;
  readonly name: string;
  /** ns */
  readonly modified: bigint;
}

export async function prepareHttp(source: HttpSource, context: OperationContext): Promise<Operation> {
  const { build, clamp } = context;
  const checksum = source.checksum === "" ? undefined : checkedDigest(source.checksum);
  const { url: _, ...rest } = source;
  // The name may come from the server; with a checksum and a name of its own, nothing has to be asked.
  const known = checksum !== undefined && source.filename !== "";
  const fetching = known ? undefined : await fetchFile(source, checksum, context, context.signal);
  if (fetching !== undefined) build.defer(() => rm(fetching.path, { force: true }));
  const content = fetching === undefined ? { digest: checksum } : { digest: fetching.digest, name: fetching.name };
  const modified = fetching?.modified.toString();
  return {
    key: sha256(canonical({ ...rest, kind: "http", content, modified, clamp: clamp?.toString() })),
    type: "regular",
    heavy: false,
    async run({ signal, layers }) {
      const fetched = fetching ?? (await fetchFile(source, checksum, context, signal));
      if (fetching === undefined) build.defer(() => rm(fetched.path, { force: true }));
      using file = new OwnedFd(openat2(AT.FDCWD, fetched.path, { flags: O.RDONLY }));
      const tree = new WorkingTree(undefined);
      const { uid, gid, mode = 0o600 } = source;
      const { size, modified: mtime } = fetched;
      const attributes = { mode, uid, gid, mtime, xattrs: NO_XATTRS };
      const content = { kind: "file", directory: file, path: "" } as const;
      tree.put([textToRaw(fetched.name)], {
        kind: "leaf",
        inode: { type: "file", attributes, target: "", device: NO_DEVICE, size, content },
      });
      const layer = await layers.add(emitDraft(tree.root, { clamp, signal }), signal);
      return { outputs: [[layer.diffId]], size: layer.size };
    },
  };
}

async function fetchFile(
  source: HttpSource,
  checksum: Digest | undefined,
  { needs, say }: Pick<OperationContext, "needs" | "say">,
  signal: AbortSignal,
): Promise<Fetched> {
  const stalled = new AbortController();
  const both = AbortSignal.any([signal, stalled.signal]);
  const timer = setTimeout(() => stalled.abort(), STALLED_MS);
  const path = join(needs.directories.temporary, `build-http-${randomUUID()}`);
  try {
    const response = await follow(source.url, both);
    const total = Number(response.headers.get("content-length") ?? 0);
    const hash = createHash("sha256");
    let size = 0;
    const file = await open(path, "wx", 0o600);
    try {
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        size += chunk.length;
        if (size > MAX_SIZE) throw new HoyError("too-large", `${source.url} is larger than ${MAX_SIZE} bytes`);
        hash.update(chunk);
        await file.writeFile(chunk);
        say({ kind: "status", name: "downloading", current: size, total, done: false });
      }
    } finally {
      await file.close();
    }
    say({ kind: "status", name: "downloading", current: size, total: size, done: true });
    const digest: Digest = `sha256:${hash.digest("hex")}`;
    if (checksum !== undefined && digest !== checksum) {
      throw new HoyError("invalid", `digest mismatch ${source.url}: expected ${checksum}, got ${digest}`);
    }
    return { path, digest, size, name: nameOf(source, response), modified: timeOf(response) };
  } catch (error) {
    await rm(path, { force: true });
    if (signal.aborted) throw new HoyError("cancelled", "the build was cancelled", { cause: error });
    if (stalled.signal.aborted) throw new HoyError("unavailable", `${source.url}: the server stopped sending`);
    if (error instanceof HoyError) throw error;
    throw new HoyError("unavailable", `failed to load ${source.url}: ${String(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function follow(url: string, signal: AbortSignal): Promise<Response> {
  let at = webUrl(url);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await fetch(at, { redirect: "manual", signal, headers: { "User-Agent": userAgent } });
    const location = response.headers.get("location");
    if (response.status < 300 || response.status >= 400 || location === null) {
      if (response.ok) return response;
      throw new HoyError("not-found", `invalid response status ${response.status} for ${url}`);
    }
    await response.body?.cancel();
    at = webUrl(new URL(location, at).href);
  }
  throw new HoyError("invalid", `too many redirects from ${url}`);
}

function webUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new HoyError("invalid", `not a web address: ${text.slice(0, 200)}`);
}

/** As BuildKit: the build's own, the server's, the last of the path, else "download". */
function nameOf({ filename, url }: HttpSource, response: Response): string {
  if (filename !== "") return checkedName(filename);
  const told = /filename="?([^";]+)"?/i.exec(response.headers.get("content-disposition") ?? "")?.[1];
  const last = posix.basename(told ?? decoded(new URL(url).pathname));
  return last === "" || last === "." || last === ".." || last.includes("\0") ? "download" : last;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // A stray "%": the name is taken as it is written.
    return path;
  }
}

function checkedName(name: string): string {
  if (name.includes("/") || name.includes("\0") || name === "." || name === "..") {
    throw new HoyError("invalid", `bad file name: ${JSON.stringify(name.slice(0, 200))}`);
  }
  return name;
}

function timeOf(response: Response): bigint {
  const time = Date.parse(response.headers.get("last-modified") ?? "");
  return Number.isNaN(time) ? MADE_AT : BigInt(time) * 1_000_000n;
}

function checkedDigest(text: string): Digest {
  return parseDigest(text);
}
