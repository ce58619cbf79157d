// The cache mounts of builds, as a user names, lists and takes them along.

import type { CacheMount } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { CacheMounts } from "../../build/ops/mounts/cache-mounts.ts";
import { madeOfRow } from "../../build/ops/mounts/portable.ts";
import type { BuildMountRow } from "../../state/build.ts";

export function describeMount(row: BuildMountRow, caches: CacheMounts): CacheMount {
  const made = madeOfRow(row);
  return {
    Id: row.id,
    CacheId: shownId(made?.id ?? ""),
    Description: row.description,
    Mode: made === undefined ? "" : made.mode.toString(8),
    Owner: made === undefined ? "" : `${made.uid}:${made.gid}`,
    Size: row.size,
    CreatedAt: row.created,
    LastUsedAt: row.used,
    UsageCount: row.uses,
    InUse: caches.isInUse(row.id),
  };
}

/** As the Dockerfile has it: its frontend puts a namespace and a slash before it, and the usual one is empty. */
function shownId(id: string): string {
  return id.replace(/^\//, "");
}

/** By its whole cache id, or the beginning of its own id. @throws HoyError "not-found", "invalid" */
export function findMount(name: string, caches: CacheMounts): BuildMountRow {
  const rows = caches.rows();
  const byName = rows.filter((row) => [name, `/${name}`].includes(madeOfRow(row)?.id ?? ""));
  const found =
    byName.length > 0 ? byName : rows.filter(({ id }) => /^[0-9a-f]{4,32}$/.test(name) && id.startsWith(name));
  const [only, ...others] = found;
  if (only === undefined) throw new HoyError("not-found", `no such cache mount: ${name.slice(0, 200)}`);
  if (others.length > 0) {
    const ids = found.map(({ id }) => id.slice(0, 12)).join(", ");
    throw new HoyError("invalid", `${name.slice(0, 200)} is the name of several cache mounts: ${ids}`);
  }
  return only;
}
