// The image verbs on a real driver, without a daemon, for the tests beside.

import { readdirSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { paths } from "../../src/base/paths.ts";
import { Images } from "../../src/engine/images/backend.ts";
import { ImageMounts } from "../../src/engine/images/mounts.ts";
import { ImageShelf } from "../../src/engine/images/shelf.ts";
import { openDatabase } from "../../src/state/database.ts";
import { ImageMountTable } from "../../src/state/image-mounts.ts";
import { ImageTable } from "../../src/state/images.ts";
import { migrations } from "../../src/state/migrations.ts";
import { type DriverName, openSnapshotDriver } from "../../src/storage/drivers/open.ts";
import { FileContentStore } from "../../src/storage/file-content.ts";

export const NEVER = new AbortController().signal;

export interface House {
  readonly where: { readonly data: string; readonly run: string };
  readonly shelf: ImageShelf;
  readonly images: Images;
}

export async function openHouse(name: DriverName, root: string): Promise<House> {
  const where = { data: join(root, "data"), run: join(root, "run") };
  await mkdir(where.data, { recursive: true });
  const driver = await openSnapshotDriver({ paths: where, prefer: name });
  const content = await FileContentStore.open(paths.blobs(where), paths.temporary(where));
  const db = openDatabase(paths.database(where), migrations);
  const table = new ImageTable(db);
  const shelf = await ImageShelf.open({ table, content, driver, temporary: paths.temporary(where) });
  const sources = {
    find: async () => {
      throw new Error("no containers here");
    },
    users: () => [],
  };
  const registry = () => {
    throw new Error("no registry here");
  };
  const mounts = new ImageMounts(new ImageMountTable(db), shelf, where);
  const images = new Images({ shelf, sources, emit: () => undefined }, registry, mounts);
  return { where, shelf, images };
}

/** Files and mounts that belong to images. */
export function leftOf(where: House["where"]): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(where.run));
  const files = [paths.blobs(where), paths.layers(where), paths.images(where), paths.temporary(where)].flatMap((path) =>
    readdirSync(path),
  );
  return [...mounts, ...files];
}

export async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

export async function drain(messages: AsyncIterable<{ stream?: string; status?: string }>): Promise<string> {
  let text = "";
  for await (const message of messages) text += message.stream ?? "";
  return text;
}

export const importOptions = (repo: string) => ({
  source: "-",
  repo,
  tag: undefined,
  message: "",
  changes: ['CMD ["sh"]'],
  platform: undefined,
});
