// What the command line asks of a registry's folder without a running server.

import { join } from "node:path";
import { openDatabase } from "../../state/database.ts";
import { FileStorage } from "./file-storage.ts";
import { RegistryRows } from "./rows.ts";
import { registryMigrations } from "./schema.ts";
import type { Collected } from "./storage.ts";

const PAGE = 1000;

/** All names, in byte order; also while a server uses the folder. */
export function* repositoryNames(root: string): Generator<string, void, void> {
  const rows = new RegistryRows(openDatabase(join(root, "registry.db"), registryMigrations));
  try {
    for (let after = ""; ; ) {
      const names = rows.repositories({ limit: PAGE, after });
      yield* names;
      const last = names.at(-1);
      if (last === undefined) return;
      after = last;
    }
  } finally {
    rows.close();
  }
}

/** Also while a server uses the folder: its next collection frees the bytes. @returns false when there was none. */
export function removeRepository(root: string, name: string): boolean {
  const rows = new RegistryRows(openDatabase(join(root, "registry.db"), registryMigrations));
  try {
    return rows.removeRepository(name);
  } finally {
    rows.close();
  }
}

/** @param grace ms. @throws HoyError "conflict" while a server uses the folder. */
export async function collectOnce(root: string, grace: number): Promise<Collected> {
  const storage = await FileStorage.open({ root, blobLimit: 0, uploadsLimit: 0 });
  try {
    return await storage.collect(Date.now() - grace);
  } finally {
    storage.close();
  }
}
