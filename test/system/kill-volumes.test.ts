// kill -9 of the daemon between any two steps of what it does with volumes: the next daemon has a volume whole or not at
// all, with its content; nothing is mounted that nobody uses, no directory is without a row; and all can be done again.

import { afterEach, expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { eventually, ok } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { traces } from "../harness/machine.ts";
import { type KilledCase, testKills } from "../harness/steps.ts";

const hoy = await testDaemon();
const run = (...args: string[]) => hoy.hoy(...args);
const must = (...args: string[]) => ok(hoy.hoy(...args));
/** With those of a container's life that volumes have a part in. */
const STEP = /^(?:volume\.|row\.|files\.|directories\.|volumes\.fill)/;
const NET = ["--network", "none"] as const;
const NAMED = ["--name", "victim", ...NET] as const;
/** A mounted one; one that the image fills, a part of it by a subpath; one without a name. */
const MOUNTS = ["-v", "memory:/memory", "-v", "filled:/etc", "-v", "/anonymous"] as const;
const CREATE = ["create", ...NAMED, ...MOUNTS, "busybox", "sleep", "1000"] as const;
const OWNED = ["-o", "uid=7", "-o", "mode=0751"] as const;
const shared = mounts();

function mounts(): readonly string[] {
  return traces(hoy.mark).mounts.filter((point) => point.includes("/volumes/"));
}

const volumes = async () => (await must("volume", "ls", "-q")).split("\n").filter((name) => name !== "");
const has = async (name: string) => (await volumes()).includes(name);

/** What is listed is there, what is there is listed, and mounted is what runs. */
async function sound(): Promise<void> {
  const root = join(hoy.data, "volumes");
  const same = async () => (await volumes()).sort().join() === readdirSync(root).sort().join();
  await eventually(same, "rows and directories are the same");
  for (const name of await volumes()) expect(readdirSync(join(root, name))).toContain("_data");
  const runs = (await run("inspect", "-f", "{{.State.Running}}", "victim")).stdout.trim() === "true";
  if (!runs) expect(mounts()).toEqual(shared);
}

async function cleanUp(): Promise<void> {
  await run("rm", "-f", "-v", "victim");
  for (const name of await volumes()) await must("volume", "rm", name);
  await sound();
}
afterEach(cleanUp);

/** The container, made or found, starts with all of its volumes, and leaves only those with names. */
async function lives(): Promise<void> {
  if ((await run("inspect", "victim")).code !== 0) await must(...CREATE);
  if ((await must("inspect", "-f", "{{.State.Running}}", "victim")) === "false") await must("start", "victim");
  await must("exec", "victim", "sh", "-c", "grep -q root /etc/passwd && touch /memory/x /anonymous/x");
  expect(await must("exec", "victim", "cat", "/proc/mounts")).toMatch(/^tmpfs \/memory tmpfs /m);
  await must("rm", "-f", "-v", "victim");
  expect((await volumes()).sort()).toEqual(["filled", "memory"]);
  await sound();
}

const memory = () => must("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", "memory");
const created = async () => {
  await memory();
  await must(...CREATE);
};
const started = async () => {
  await created();
  await must("start", "victim");
};
/** A volume with a file in it. */
const written = async (name = "one") => {
  await must("volume", "create", name);
  await must("run", "--rm", ...NET, "-v", `${name}:/v`, "busybox", "sh", "-c", `echo ${name} >/v/f`);
};
const content = (name: string) => must("run", "--rm", ...NET, "-v", `${name}:/v`, "busybox", "cat", "/v/f");

const CASES: Readonly<Record<string, KilledCase>> = {
  "creating a container": { prepare: memory, act: () => run(...CREATE), check: lives },
  "its start": { prepare: created, act: () => run("start", "victim"), check: lives },
  "its stop": { prepare: started, act: () => run("stop", "-t", "0", "victim"), check: lives },
  "its removal": { prepare: created, act: () => run("rm", "-v", "victim"), check: lives },
  "making one with an owner": {
    prepare: async () => undefined,
    act: () => run("volume", "create", ...OWNED, "one"),
    check: async () => {
      if (!(await has("one"))) await must("volume", "create", ...OWNED, "one");
      const look = ["run", "--rm", ...NET, "-v", "one:/v", "busybox", "stat", "-c", "%u %a", "/v"];
      expect(await must(...look)).toBe("7 751");
    },
  },
  "removing one": {
    prepare: () => written(),
    act: () => run("volume", "rm", "one"),
    check: async () => {
      if (await has("one")) expect(await content("one")).toBe("one");
    },
  },
  "renaming one": {
    prepare: () => written(),
    act: () => run("volume", "rename", "one", "two"),
    check: async () => {
      const [name = "", ...more] = await volumes();
      expect(["one", "two"]).toContain(name);
      expect(more).toEqual([]);
      expect(await content(name)).toBe("one");
    },
  },
  "a snapshot": {
    prepare: () => written(),
    act: () => run("volume", "snapshot", "one", "two"),
    check: async () => {
      expect(await content("one")).toBe("one");
      // Nobody was told of it: it may be empty, and can be made again.
      if (await has("two")) await must("volume", "rm", "two");
      await must("volume", "snapshot", "one", "two");
      expect(await content("two")).toBe("one");
    },
  },
  "another size": {
    prepare: async () => {
      await must("volume", "create", "-o", "type=loop", "-o", "size=8m", "one");
      await written();
    },
    act: () => run("volume", "resize", "one", "16m"),
    check: async () => {
      expect(await content("one")).toBe("one");
      expect(["8m", "16m"]).toContain(await must("volume", "inspect", "-f", "{{.Options.size}}", "one"));
      await must("volume", "resize", "one", "16m");
      expect(await content("one")).toBe("one");
      expect(readdirSync(join(hoy.data, "volumes/one")).sort()).toEqual(["_data", "disk.img"]);
    },
  },
  "restoring one": {
    prepare: async () => {
      await written("one");
      await written("two");
    },
    act: () => run("volume", "restore", "one", "two"),
    check: async () => {
      expect(["one", "two"]).toContain(await content("one"));
      expect(await content("two")).toBe("two");
    },
  },
};

await testKills(hoy, CASES, STEP, cleanUp, sound);
