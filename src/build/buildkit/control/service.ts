// The service moby.buildkit.v1.Control.

import { HoyError } from "../../../base/error.ts";
import type { CacheEntry } from "../../cache/prune.ts";
import { matcherOf } from "../../cache/prune.ts";
import { type ServiceTable, service } from "../grpc/service.ts";
import { Control } from "../proto/gen/control_pb.ts";
import { type SolveParts, solve } from "./solve.ts";
import { timestamp } from "./time.ts";
import { tunnel } from "./tunnel.ts";
import { version, workerRecord } from "./worker.ts";

export function controlService(parts: SolveParts): ServiceTable {
  const { needs, builds, history, sessions } = parts;
  const { keeper } = needs.solver;
  return service(Control, {
    async solve(request, { signal }) {
      return { exporterResponse: { ...(await solve(request, signal, parts)) } };
    },
    async *status({ ref }, { signal }) {
      // One that has ended a while ago is told from what was kept of it.
      const said = builds.has(ref) ? undefined : history.said(ref);
      if (said !== undefined) yield* said;
      else yield* (await builds.get(ref, signal)).events.watch(signal);
    },
    async *session(requests, { metadata, signal }) {
      // Headers of one name come as one, apart by commas.
      const all = (name: string) => (metadata.get(name) ?? []).flatMap((value) => value.split(/, */));
      const headers = { all, one: (name: string) => all(name)[0] ?? "" };
      sessions.check(headers);
      const { socket, outgoing } = tunnel(requests, signal);
      sessions.accept(socket, headers);
      yield* outgoing;
    },
    async listWorkers({ filter }) {
      const worker = workerRecord(needs);
      return { record: filter.length === 0 || filter.some((each) => each.includes(worker.id)) ? [worker] : [] };
    },
    info: async () => ({ buildkitVersion: version(needs) }),
    async diskUsage({ filter, ageLimit }) {
      const matches = matcherOf(filtersOf(filter));
      const since = ageLimit > 0n ? ago(ageLimit) : undefined;
      const entries = keeper.list().filter((entry) => matches(entry) && (since === undefined || entry.used < since));
      return { record: entries.map(usageRecord) };
    },
    async *prune({ filter, all, keepDuration, reservedSpace, maxUsedSpace, minFreeSpace }) {
      const bytes = (amount: bigint) => (amount > 0n ? Number(amount) : undefined);
      const gone = await keeper.prune({
        all,
        keepStorage: bytes(reservedSpace),
        maxUsedSpace: bytes(maxUsedSpace),
        minFreeSpace: bytes(minFreeSpace),
        unusedSince: keepDuration > 0n ? ago(keepDuration) : undefined,
        matches: matcherOf(filtersOf(filter)),
      });
      yield* gone.map(usageRecord);
    },
    async *listenBuildHistory({ ref, activeOnly, earlyExit, filter, limit }, { signal }) {
      yield* history.listen({ ref, activeOnly, earlyExit, filter, limit }, signal);
    },
    async updateBuildHistory({ ref, pinned, delete: remove, finalize }) {
      if (remove) history.remove(ref);
      else if (!finalize) history.pin(ref, pinned);
      return {};
    },
  });
}

function usageRecord({ id, parents, type, description, inUse, shared, size, created, used, uses }: CacheEntry) {
  return {
    id,
    mutable: type === "exec.cachemount",
    inUse,
    size: BigInt(size),
    createdAt: timestamp(created),
    lastUsedAt: timestamp(used),
    usageCount: BigInt(uses),
    description,
    recordType: type,
    shared,
    parents: [...parents],
  };
}

/** RFC 3339, of so many ns ago. */
function ago(duration: bigint): string {
  return new Date(Date.now() - Number(duration / 1_000_000n)).toISOString();
}

/** containerd's filters, of which clients send `name==value` and `name=value`, apart by commas. */
function filtersOf(filters: readonly string[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const one of filters.flatMap((each) => each.split(","))) {
    if (one.trim() === "") continue;
    const [, name, value] = /^([a-zA-Z.]+)==?"?([^"]*)"?$/.exec(one.trim()) ?? [];
    if (name === undefined || value === undefined) throw new HoyError("invalid", `invalid filter ${one.slice(0, 100)}`);
    found.set(name, (found.get(name) ?? new Set()).add(value));
  }
  return found;
}
