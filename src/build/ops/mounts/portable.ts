// Cache mounts that are taken along: one as a tar with a document that says which it is, and back. The document holds what
// the mount's key is made of, not the key: so only a mount that a build could have made here can be brought in.

import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { HoyError } from "../../../base/error.ts";
import { AT } from "../../../linux/at.ts";
import { isErrno } from "../../../linux/libc.ts";
import { O, OwnedFd, openat2, openInRoot } from "../../../linux/open.ts";
import { fdstat, S } from "../../../linux/stat.ts";
import type { BuildMountRow } from "../../../state/build.ts";
import { decompress } from "../../../storage/decompress.ts";
import { archiveDocument } from "../../../storage/tar/archive-entries.ts";
import { extractTar } from "../../../storage/tree/extract.ts";
import { removeTree } from "../../../storage/tree/remove.ts";
import { treeTar } from "../../../storage/tree/tree-tar.ts";
import { reopen } from "../../../storage/tree/walk.ts";
import { canonical } from "../../solver/digests.ts";
import { readFrom } from "../tree/data.ts";
import type { CacheMounts } from "./cache-mounts.ts";

const DOCUMENT = "hoy-cache-mount.json";
const FILES = "files";
const MAX_DOCUMENT = 64 * 1024;

/** What a key is made of (cache-mounts.ts, take). */
const madeOf = v.strictObject({
  id: v.pipe(v.string(), v.maxLength(4096)),
  mode: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o7777)),
  uid: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 2)),
  gid: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 2)),
  from: v.optional(v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/))),
  selector: v.pipe(v.string(), v.maxLength(4096)),
});

const document = v.strictObject({
  version: v.literal(1),
  description: v.pipe(v.string(), v.maxLength(10_000)),
  madeOf,
});

export type MadeOf = v.InferOutput<typeof madeOf>;

/** undefined: the engine that made it did not note it. */
export function madeOfRow({ made_of }: BuildMountRow): MadeOf | undefined {
  return made_of === "" ? undefined : v.parse(madeOf, JSON.parse(made_of));
}

/** @throws HoyError "conflict" when a build has it, or it can't be said what it is. */
export function exportMount(
  caches: CacheMounts,
  row: BuildMountRow,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const made = madeOfRow(row);
  if (made === undefined) {
    throw new HoyError("conflict", "an older engine made this cache mount: run a build that uses it first");
  }
  if (caches.isInUse(row.id)) throw new HoyError("conflict", "the cache mount is in use by a build");
  const about = { version: 1, description: row.description, madeOf: made } satisfies v.InferInput<typeof document>;
  async function* stream(): AsyncGenerator<Uint8Array, void, void> {
    // From here on, as somebody reads: who never does holds nothing.
    await using taken = caches.copying(row.id);
    yield* archiveDocument(DOCUMENT, Buffer.from(`${JSON.stringify(about)}\n`));
    using root = new OwnedFd(openat2(AT.FDCWD, taken.path, { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW }));
    yield* treeTar(root.fd, "/", { as: FILES, oneFilesystem: true, signal });
  }
  return stream();
}

export interface ImportOptions {
  /** On the file system of the cache. */
  readonly temporary: string;
  /** In place of one of the same kind. */
  readonly replace: boolean;
  readonly signal: AbortSignal;
}

/** Compressed or not. @throws HoyError "invalid" for what is no such archive, "conflict". */
export async function importMount(
  caches: CacheMounts,
  archive: AsyncIterable<Uint8Array>,
  { temporary, replace, signal }: ImportOptions,
): Promise<BuildMountRow> {
  const place = join(temporary, `build-import-${randomUUID()}`);
  await mkdir(place, { mode: 0o700 });
  try {
    using root = new OwnedFd(openat2(AT.FDCWD, place, { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW }));
    await extractTar(root.fd, "/", decompress(archive, { signal }), { signal, refuseDevices: true });
    const about = await readDocument(root, signal);
    checkFiles(root);
    return await caches.adopt(join(place, FILES), canonical(about.madeOf), about.description, replace);
  } finally {
    await removeTree(place);
  }
}

async function readDocument(root: OwnedFd, signal: AbortSignal): Promise<v.InferOutput<typeof document>> {
  using found = open(root, DOCUMENT);
  const { mode, size } = fdstat(found.fd);
  if ((mode & S.IFMT) !== S.IFREG || size > MAX_DOCUMENT) throw noMount();
  using file = new OwnedFd(reopen(found.fd, O.RDONLY));
  const chunks: Uint8Array[] = [];
  for await (const chunk of readFrom(file.fd, 0, size, signal)) chunks.push(chunk);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (cause) {
    throw noMount(cause);
  }
  const result = v.safeParse(document, value);
  if (!result.success) throw noMount();
  return result.output;
}

function checkFiles(root: OwnedFd): void {
  using found = open(root, FILES);
  if ((fdstat(found.fd).mode & S.IFMT) !== S.IFDIR) throw noMount();
}

function open(root: OwnedFd, name: string): OwnedFd {
  try {
    return new OwnedFd(openInRoot(root.fd, name, O.PATH | O.NOFOLLOW));
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ELOOP", "ENOTDIR")) throw error;
    throw noMount(error);
  }
}

function noMount(cause?: unknown): HoyError {
  return new HoyError("invalid", "the archive is none of a cache mount", { cause });
}
