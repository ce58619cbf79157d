// One range of host ids for each container: 65536 ids, for the container's life, no two containers with the same.
// Ranges come from the lines of /etc/subuid and /etc/subgid that belong to our user; when it has none, from a block
// that overlaps nobody's lines. The caller keeps which bases are in use (they stand in the containers' rows).

import { HoyError } from "../../base/error.ts";
import type { IdMap } from "../contract.ts";
import { readSubIds, type SubIdLine } from "./subid.ts";

/** Ids a container, 0…65535: what nearly all images use; systemd-nspawn gives as many. */
export const RANGE_SIZE = 65_536;

/** Without lines of our own: above what useradd(8) hands out by default (100000…600100000), below 2^31. */
const FREE_BLOCK = { start: 0x3000_0000, size: 0x3000_0000 };

export interface RangePool {
  /** Blocks to cut ranges from. */
  readonly blocks: readonly { readonly start: number; readonly size: number }[];
  /** Others' ids within those blocks. */
  readonly taken: readonly { readonly start: number; readonly size: number }[];
}

/** Reads the host's files once. */
export async function loadRangePool(
  owner: string,
  files: { subuid: string; subgid: string } = { subuid: "/etc/subuid", subgid: "/etc/subgid" },
): Promise<RangePool> {
  return rangePool(owner, await readSubIds(files.subuid), await readSubIds(files.subgid));
}

/**
 * A range must be free for uids and gids alike, so that one base serves both: our blocks are where our lines in the
 * two files overlap.
 * @throws HoyError "invalid" when there are lines for the owner, and none has room for a container in both files.
 */
export function rangePool(owner: string, subuid: readonly SubIdLine[], subgid: readonly SubIdLine[]): RangePool {
  const mine = (line: SubIdLine) => line.owner === owner;
  const taken = [...subuid, ...subgid].filter((line) => !mine(line));
  if (!subuid.some(mine) && !subgid.some(mine)) return { blocks: [FREE_BLOCK], taken };
  const blocks = subuid.filter(mine).flatMap((uids) =>
    subgid.filter(mine).flatMap((gids) => {
      const start = Math.max(uids.start, gids.start);
      const size = Math.min(uids.start + uids.size, gids.start + gids.size) - start;
      return size >= RANGE_SIZE ? [{ start, size }] : [];
    }),
  );
  if (blocks.length === 0) {
    throw new HoyError("invalid", `/etc/subuid and /etc/subgid have no range of ${RANGE_SIZE} ids for ${owner}`, {
      hint: `add "${owner}:START:COUNT" to both files with the same numbers, or remove the lines of ${owner}`,
    });
  }
  return { blocks, taken };
}

/**
 * The first free range, by base. Deterministic: same pool and used bases, same answer.
 * @param usedBases first host ids of the ranges that containers (running or not) hold
 * @throws HoyError "unavailable" when the pool is used up
 */
export function allocateRange(pool: RangePool, usedBases: Iterable<number>): IdMap {
  const used = [...usedBases].map((start) => ({ start, size: RANGE_SIZE }));
  const busy = [...used, ...pool.taken].sort((a, b) => a.start - b.start);
  for (const block of pool.blocks) {
    let base = block.start;
    for (const other of busy) {
      if (other.start + other.size <= base || other.start >= base + RANGE_SIZE) continue;
      base = other.start + other.size;
    }
    if (base + RANGE_SIZE <= block.start + block.size) return idMapAt(base);
  }
  throw new HoyError("unavailable", "no free range of user ids is left for another container", {
    hint: "remove containers, add lines to /etc/subuid and /etc/subgid, or use --userns=host",
  });
}

/** The mapping of a container whose range starts at `base`. */
export function idMapAt(base: number): IdMap {
  const range = [{ container: 0, host: base, size: RANGE_SIZE }];
  return { uids: range, gids: range };
}

/** First host id of a mapping made here: what the container's row keeps. */
export function baseOf(map: IdMap): number | undefined {
  return map.uids[0]?.host;
}

/** The host's id for an id in the container; undefined when it is not mapped. */
export function toHostId(ranges: IdMap["uids"], id: number): number | undefined {
  const range = ranges.find((one) => id >= one.container && id < one.container + one.size);
  return range && range.host + (id - range.container);
}
