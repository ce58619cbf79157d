// Snapshots of volumes. A snapshot is a volume like others, with the label `hoy.snapshot.of`: it is listed, mounted (to
// look into it) and removed as they are, and never pruned. Files are reflinks where the file system has them, else copies.
// Both ways the copy is made beside and put in place by one rename, so a volume is as before or as it should be.

import { mkdirSync, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Volume } from "../../api/types/volume.ts";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { log } from "../../base/log.ts";
import { span, step } from "../../base/trace.ts";
import { RENAME, renameat2 } from "../../linux/at.ts";
import { mountPointsUnder } from "../../linux/mount-table.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import { LayeredRoot } from "../containers/layered-root.ts";
import { isActive } from "../containers/machine.ts";
import { freezeForCopy } from "../containers/pause.ts";
import { TreeCopy } from "../containers/tree-copy.ts";
import type { EngineContext } from "../context.ts";
import { shareProject } from "../disk-limit.ts";
import { parseLocalOptions } from "./local-options.ts";
import { HALF_COPIED, hasDevice, SNAPSHOT_OF } from "./record.ts";

/** @param name of the snapshot; "" lets the engine choose `VOLUME-TIME`. The containers that use it stand still meanwhile. */
export async function snapshotVolume(engine: EngineContext, volume: string, name: string): Promise<Volume> {
  const { volumes } = engine;
  const record = await volumes.inspect(volume);
  const wanted = name || `${volume}-${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}`;
  if (volumes.get(wanted) !== undefined) throw new HoyError("conflict", `volume ${wanted} exists already`);
  const user = `snapshot-${newId()}`;
  await using undo = new AsyncDisposableStack();
  await volumes.use(volume, user);
  undo.defer(() => volumes.unuse(volume, user));
  const { "com.docker.volume.anonymous": _, ...labels } = record.Labels;
  return volumes.create({ Name: wanted, Labels: { ...labels, [SNAPSHOT_OF]: volume } }, async (data) => {
    await using thaw = new AsyncDisposableStack();
    for (const container of usersOf(engine, volume)) thaw.defer(await freezeForCopy(engine, container));
    await copyInto(volumes.dataPath(volume), data);
  });
}

/**
 * Makes the volume's contents what the snapshot (or any other volume, `from`) has.
 * @throws HoyError "conflict" while a container that uses it runs, or when it is mounted from elsewhere.
 */
export async function restoreVolume(engine: EngineContext, volume: string, from: string): Promise<void> {
  const { volumes } = engine;
  await volumes.inspect(volume);
  await volumes.inspect(from);
  const record = volumes.get(volume);
  if (record === undefined || hasDevice(record)) {
    throw new HoyError("conflict", `restore ${volume}: its files are on a device of their own`, {
      hint: "copy them with hoy volume cp",
    });
  }
  if (volume === from) throw new HoyError("invalid", "a volume can't be restored from itself");
  requireIdle(engine, volume);
  const user = `restore-${newId()}`;
  await volumes.use(from, user);
  try {
    await replace(volumes.dataPath(from), volumes.dataPath(volume), {
      limited: parseLocalOptions(record.options).size !== undefined,
      check: () => requireIdle(engine, volume),
    });
  } finally {
    await volumes.unuse(from, user);
  }
}

interface Replacement {
  /** What may be in the target is bounded. */
  readonly limited: boolean;
  /** Asked once more right before the new contents take the old ones' place. */
  check(): void;
}

async function replace(source: string, target: string, { limited, check }: Replacement): Promise<void> {
  const fresh = join(dirname(target), `${HALF_COPIED}${newId()}`);
  mkdirSync(fresh, { mode: 0o700 });
  try {
    if (limited) shareProject(target, fresh);
    await span("volume.copy", {}, () => copyInto(source, fresh));
    check();
    step("volume.exchange", () => renameat2(-100, fresh, -100, target, RENAME.EXCHANGE));
  } finally {
    // What it holds now is the old contents, or half a copy. The next start removes what is left of it.
    rm(fresh, { recursive: true, force: true }).catch((error) => log.warn("not removed", { path: fresh, error }));
  }
}

/** Everything in `source`, and its own owner, mode and times, into the empty directory `target`. */
async function copyInto(source: string, target: string): Promise<void> {
  using root = new LayeredRoot([source], true);
  using copy = new OwnedFd(openSync(target, O.RDONLY | O.DIRECTORY));
  const top = root.find("/");
  if (top?.kind !== "directory") throw new HoyError("internal", `${source} is no directory`);
  await new TreeCopy(root).fill(top, copy.fd);
}

function requireIdle(engine: EngineContext, volume: string): void {
  const running = usersOf(engine, volume).filter(({ state }) => isActive(state));
  // The old contents will be removed: nothing of anybody else's may be mounted in them.
  const mounted = mountPointsUnder(engine.volumes.dataPath(volume));
  if (running.length === 0 && mounted.length === 0) return;
  const ids = [...running.map(({ id }) => id), ...mounted].join(", ");
  throw new HoyError("conflict", `restore ${volume}: volume is in use - [${ids}]`, { hint: "stop them first" });
}

function usersOf(engine: EngineContext, volume: string) {
  return engine.containers
    .all()
    .filter(({ spec }) => spec.mounts.some((mount) => mount.type === "volume" && mount.name === volume));
}
