// --net-rate: held on the host's end in both directions, changed while the container runs, kept over its restart and a
// kill -9 of the daemon, gone with it. Seen by the kernel's own list of queues; that it holds, by a transfer whose bounds
// are so wide that a busy machine can't miss them.

import { expect, test } from "bun:test";
import { Netlink } from "../../src/linux/netlink.ts";
import { listLinks } from "../../src/network/link.ts";
import { listQdiscs } from "../../src/network/traffic.ts";
import { eventually, fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const { hoy: client } = hoy;
const namespace = hoy.namespace;
if (namespace === undefined) throw new Error("the daemon has no network of its own");

/** "veth 1250000": kind of device and bytes a second, of every bucket that there is. */
function buckets(): string[] {
  using socket = namespace?.run(() => new Netlink()) ?? new Netlink();
  const kinds = new Map(listLinks(socket).map((link) => [link.index, link.kind]));
  const found = listQdiscs(socket).filter(({ kind }) => kind === "tbf");
  return found.map(({ index, rate }) => `${kinds.get(index)} ${rate}`).toSorted();
}

async function sleeper(...flags: string[]): Promise<string> {
  const name = unique("rate");
  await ok(client("run", "-d", "--name", name, ...flags, "busybox", "sleep", "1000"));
  return name;
}

test("both directions, one, and another network that it joins later", async () => {
  const network = unique("net");
  await ok(client("network", "create", network));
  const name = await sleeper("--net-rate", "egress=8mbit,ingress=16mbit,burst=32k");
  expect(buckets()).toEqual(["ifb 1000000", "veth 2000000"]);
  expect(await ok(client("inspect", "-f", "{{json .HostConfig.NetworkRate}}", name))).toBe(
    '{"Egress":8000000,"Ingress":16000000,"Burst":32768}',
  );
  // Docker's client knows nothing of rates, and changes none.
  const [other = client] = hoy.clients;
  await ok(other("network", "connect", network, name));
  expect(buckets()).toEqual(["ifb 1000000", "ifb 1000000", "veth 2000000", "veth 2000000"]);
  await ok(client("network", "disconnect", network, name));
  expect(buckets()).toEqual(["ifb 1000000", "veth 2000000"]);
  await ok(client("update", "--net-rate", "ingress=1gbit", name));
  expect(buckets()).toEqual(["veth 125000000"]);
  await ok(client("update", "--net-rate", "100gbit", name));
  expect(buckets()).toEqual(["ifb 12500000000", "veth 12500000000"]);
  await ok(client("update", "--net-rate", "none", name));
  expect(buckets()).toEqual([]);
  expect(await ok(client("inspect", "-f", "{{json .HostConfig}}", name))).not.toContain("NetworkRate");
  await ok(client("rm", "-f", name));
  await ok(client("network", "rm", network));
});

test("kept over a restart of the container and a kill -9 of the daemon; gone with the container", async () => {
  const name = await sleeper();
  await ok(client("update", "--net-rate", "8mbit", name));
  await hoy.restart("SIGKILL");
  expect(buckets()).toEqual(["ifb 1000000", "veth 1000000"]);
  await ok(client("restart", "-t", "0", name));
  await eventually(() => Promise.resolve(buckets().length === 2), "the rate is held after the restart");
  await ok(client("rm", "-f", name));
  await eventually(() => Promise.resolve(buckets().length === 0), "the rate is gone with the container");
});

test("a container that ends while no daemon is there leaves no device", async () => {
  const name = await sleeper("--net-rate", "8mbit");
  const pid = await ok(client("inspect", "-f", "{{.State.Pid}}", name));
  await hoy.down("SIGKILL");
  process.kill(Number(pid), "SIGKILL");
  await hoy.up();
  await eventually(() => Promise.resolve(buckets().length === 0), "the next daemon takes the device away");
  await ok(client("rm", "-f", name));
});

test("the bytes come slower, and the container can't help itself to more", async () => {
  const server = unique("web");
  const script = "mkdir /www; head -c 1000000 /dev/zero >/www/file; httpd -f -p 80 -h /www";
  await ok(client("run", "-d", "--name", server, "--cap-add", "NET_ADMIN", "busybox", "sh", "-c", script));
  const url = `http://${await ok(client("inspect", "-f", "{{.NetworkSettings.IPAddress}}", server))}/file`;
  const get = (...flags: string[]) => client("run", "--rm", "busybox", "wget", ...flags, "-qO-", url);
  await eventually(async () => (await get()).code === 0, "the server answers");
  // 8 kilobytes a second after the burst: a megabyte needs two minutes, and not one second.
  await ok(client("update", "--net-rate", "egress=64kbit,burst=16k", server));
  const slow = client("run", "--rm", "busybox", "sh", "-c", `timeout 3 wget -qO- ${url} | wc -c`);
  expect(Number(await ok(slow))).toBeLessThan(500_000);
  await ok(client("update", "--net-rate", "egress=1gbit", server));
  expect((await ok(get())).length).toBeGreaterThan(0);
  await ok(client("rm", "-f", server));
});

test("what can't be is refused", async () => {
  for (const [rate, words] of [
    ["10", "invalid rate: 10"],
    ["10mbps", "invalid rate: 10mbps"],
    ["burst=1k", "needs a rate in one direction"],
    ["egress=1mbit,colour=red", "invalid --net-rate field: colour=red"],
    ["1bit", "8000 to 100000000000 bits a second"],
    ["200gbit", "8000 to 100000000000 bits a second"],
    ["egress=1mbit,burst=10", "1600 to 67108864 bytes"],
  ] as const) {
    const { code, stderr } = await client("create", "--net-rate", rate, "busybox");
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(words);
  }
  for (const mode of ["none", "host"]) {
    await fails(
      client("create", "--network", mode, "--net-rate", "1mbit", "busybox"),
      1,
      "a network rate can't be held",
    );
  }
  const network = unique("mv");
  await ok(client("network", "create", "-d", "macvlan", "--subnet", "10.91.0.0/24", network));
  await fails(client("create", "--network", network, "--net-rate", "1mbit", "busybox"), 1, "of the driver macvlan");
  await ok(client("network", "rm", network));
  const { status } = await hoy.api("POST", "/containers/create", { Image: "busybox", HostConfig: { NetworkRate: 5 } });
  expect(status).toBe(400);
});
