// kill -9 of the daemon between any two steps of what it does with networks: attaching and detaching, ports, networks
// themselves. The next daemon loses no address (each network here has exactly one to give), leaves no veth, no rule and no
// port, and what was under way can be done again.

import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { eventually, ok } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { difference, networkState } from "../harness/network-state.ts";
import { type KilledCase, testKills } from "../harness/steps.ts";

const hoy = await testDaemon();
const run = (...args: string[]) => hoy.hoy(...args);
const must = (...args: string[]) => ok(hoy.hoy(...args));
/** Without those that end with another one that is here, or do nothing in these cases. */
const STEP = /^(?:network\.(?!reserve|connect|ensure|rate)|ports\.|rules\.|bridge\.)/;
const PORT = "18080";
/** A /30 has two addresses, of which one is the gateway's. */
const NETWORKS = {
  one: ["--subnet", "10.203.1.0/30"],
  two: ["--subnet", "10.203.2.0/30", "-o", "com.docker.network.bridge.enable_icc=false"],
  three: ["--subnet", "10.203.3.0/30", "-d", "macvlan"],
};
const SLEEP = ["busybox", "sleep", "1000"] as const;

for (const [name, options] of Object.entries(NETWORKS)) await must("network", "create", ...options, name);
const before = await networkState(hoy.inside);

/** Its one address on each of the networks, its port, and nothing of the last one's left when it goes. */
async function startsAndLeavesNothing(): Promise<void> {
  if ((await must("inspect", "-f", "{{.State.Running}}", "victim")) === "false") await must("start", "victim");
  const addresses = await must("exec", "victim", "ip", "-o", "-4", "addr");
  const networks = await must("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}", "victim");
  for (const address of networks.trim().split(" ")) expect(addresses).toContain(address);
  await must("rm", "-f", "victim");
  await nothingLeft();
  const all = Object.keys(NETWORKS).flatMap((name) => ["--network", name]);
  await must("run", "--rm", ...all, "-p", `${PORT}:80`, "busybox", "true");
}

/** A veth goes with its namespace, which the kernel takes away when it comes to it. */
async function nothingLeft(): Promise<void> {
  let left: string[] = [];
  const clean = async () => {
    left = difference(before, await networkState(hoy.inside));
    return left.length === 0;
  };
  await eventually(clean, "nothing is left").catch(() => undefined);
  expect(left).toEqual([]);
}

const create = async () => {
  await must("create", "--name", "victim", "--network", "one", "-p", `${PORT}:80`, ...SLEEP);
  await must("network", "connect", "two", "victim");
};

async function cleanUp(): Promise<void> {
  await run("rm", "-f", "victim");
  await run("network", "rm", "victim");
}
afterEach(cleanUp);

const CASES: Readonly<Record<string, KilledCase>> = {
  "a start on two networks with a port": {
    prepare: create,
    act: () => run("start", "victim"),
    check: startsAndLeavesNothing,
  },
  "a start on a macvlan": {
    prepare: () => must("create", "--name", "victim", "--network", "three", ...SLEEP),
    act: () => run("start", "victim"),
    check: startsAndLeavesNothing,
  },
  "a stop": {
    prepare: async () => {
      await create();
      await must("start", "victim");
    },
    act: () => run("stop", "-t", "0", "victim"),
    check: startsAndLeavesNothing,
  },
  "connecting one that runs": {
    prepare: () => must("run", "-d", "--name", "victim", "--network", "one", ...SLEEP),
    act: () => run("network", "connect", "two", "victim"),
    check: startsAndLeavesNothing,
  },
  "disconnecting one that runs": {
    prepare: async () => {
      await create();
      await must("start", "victim");
    },
    act: () => run("network", "disconnect", "two", "victim"),
    check: async () => {
      // It is off the network or on it, and the other way is open from both.
      const on = await must("inspect", "-f", "{{json .NetworkSettings.Networks}}", "victim");
      if (on.includes('"two"')) await must("network", "disconnect", "two", "victim");
      await must("run", "--rm", "--network", "two", "busybox", "true");
      await must("network", "connect", "two", "victim");
      await startsAndLeavesNothing();
    },
  },
  "another port of one that runs": {
    prepare: async () => {
      await create();
      await must("start", "victim");
    },
    act: () => run("update", "--publish-add", "18081:81", "--publish-rm", `${PORT}:80`, "victim"),
    check: async () => {
      await startsAndLeavesNothing();
      await must("run", "--rm", "-p", "18081:81", "busybox", "true");
    },
  },
  "making a network": {
    prepare: async () => undefined,
    act: () => run("network", "create", "--subnet", "10.203.4.0/30", "victim"),
    check: async () => {
      const there = (await run("network", "inspect", "victim")).code === 0;
      if (!there) await must("network", "create", "--subnet", "10.203.4.0/30", "victim");
      await must("run", "--rm", "--network", "victim", "busybox", "true");
      await must("network", "rm", "victim");
      await nothingLeft();
    },
  },
  "removing a network": {
    prepare: () => must("network", "create", "--subnet", "10.203.4.0/30", "victim"),
    act: () => run("network", "rm", "victim"),
    check: async () => {
      if ((await run("network", "inspect", "victim")).code === 0) {
        await must("run", "--rm", "--network", "victim", "busybox", "true");
        await must("network", "rm", "victim");
      }
      await nothingLeft();
    },
  },
};

await testKills(hoy, CASES, STEP, cleanUp);

test("what a power cut brings back of a container that is gone is given back", async () => {
  await create();
  await must("start", "victim");
  const id = await must("inspect", "-f", "{{.Id}}", "victim");
  await hoy.down("SIGKILL");
  using db = new Database(join(hoy.data, "hoy.db"));
  const gone = { $id: id, $other: id.split("").reverse().join("") };
  for (const table of ["endpoints", "published_ports"])
    db.query(`UPDATE ${table} SET container = $other WHERE container = $id`).run(gone);
  await hoy.up();
  await must("rm", "-f", "victim");
  await create();
  await startsAndLeavesNothing();
});
