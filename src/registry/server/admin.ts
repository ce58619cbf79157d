// What the command line asks of a registry's folder without a running server, or beside one: SQLite keeps the two apart.

import { join } from "node:path";
import { openDatabase } from "../../state/database.ts";
import type { BlobStore } from "./blob-store.ts";
import { Upstreams } from "./cache/upstreams.ts";
import { Webhooks } from "./events/webhooks.ts";
import { Quotas } from "./policy/quotas.ts";
import { type Removal, Rules } from "./policy/rules.ts";
import { RegistryRows } from "./rows.ts";
import { registryMigrations } from "./schema.ts";
import type { Collected } from "./storage.ts";
import { Store } from "./store.ts";

const PAGE = 1000;

export interface Books {
  readonly rows: RegistryRows;
  readonly rules: Rules;
  readonly quotas: Quotas;
  readonly webhooks: Webhooks;
  readonly upstreams: Upstreams;
}

/** Opens the books for as long as `work` takes. */
export function withBooks<T>(root: string, work: (books: Books) => T): T {
  const db = openDatabase(join(root, "registry.db"), registryMigrations);
  try {
    return work({
      rows: new RegistryRows(db),
      rules: new Rules(db),
      quotas: new Quotas(db),
      webhooks: new Webhooks(db),
      upstreams: new Upstreams(db),
    });
  } finally {
    db.close();
  }
}

/** All names, in byte order. */
export function repositoryNames({ rows }: Books): string[] {
  const names: string[] = [];
  for (;;) {
    const page = rows.repositories({ limit: PAGE, after: names.at(-1) ?? "" });
    names.push(...page);
    if (page.length < PAGE) return names;
  }
}

/** What retention removes now. @param dry Nothing is removed. */
export function retain({ rows, rules }: Books, dry: boolean): Removal[] {
  const removals = rules.plan(Date.now());
  return dry ? removals : removals.filter((each) => rows.deleteManifest(each.repository, each.reference));
}

/** @param grace ms. @throws HoyError "conflict" while a server uses the folder. */
export async function collectOnce(root: string, grace: number, blobs: BlobStore | undefined): Promise<Collected> {
  const elsewhere = blobs === undefined ? {} : { blobs };
  const storage = await Store.open({ root, blobLimit: 0, uploadsLimit: 0, ...elsewhere });
  try {
    return await storage.collect(Date.now() - grace);
  } finally {
    storage.close();
  }
}
