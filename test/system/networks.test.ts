// Networks of the user's own: names, isolation, connecting while running, address management, what the API shows.

import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import packet from "dns-packet";
import { eachClient, eventually, fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { HOST, OUTSIDE, Outside } from "../harness/outside.ts";

const hoy = await testDaemon();
const world = await Outside.link(hoy);

/** The only resolver there is: in the world outside, it answers every A question with 192.0.2.99. */
const asked: string[] = [];
const resolver = await world.inside(() =>
  Bun.udpSocket({
    hostname: OUTSIDE.v4,
    port: 53,
    socket: {
      data: (socket, bytes, port, from) => {
        const query = packet.decode(bytes);
        const [question] = query.questions ?? [];
        asked.push(question?.name ?? "");
        const answers =
          question?.type === "A" ? [{ type: "A" as const, name: question.name, ttl: 5, data: "192.0.2.99" }] : [];
        socket.send(
          packet.encode({ type: "response", id: query.id ?? 0, questions: query.questions ?? [], answers }),
          port,
          from,
        );
      },
    },
  }),
);
afterAll(() => resolver.close());
const DNS = ["--dns", OUTSIDE.v4];

async function network(...flags: string[]): Promise<string> {
  const name = unique("net");
  await ok(hoy.hoy("network", "create", ...flags, name));
  return name;
}

async function sleeper(...flags: string[]): Promise<string> {
  const name = unique("box");
  await ok(hoy.hoy("run", "-d", "--name", name, ...DNS, ...flags, "busybox", "sleep", "600"));
  return name;
}

const remove = (...names: string[]) => ok(hoy.hoy("rm", "-f", ...names));
const exec = (name: string, ...argv: string[]) => hoy.hoy("exec", name, ...argv);
const pings = async (from: string, to: string) => (await exec(from, "ping", "-c1", "-W1", to)).code === 0;
const addressOf = (name: string, on: string) =>
  ok(hoy.hoy("inspect", "-f", `{{(index .NetworkSettings.Networks "${on}").IPAddress}}`, name));

describe("names", () => {
  test("a container finds others by name, alias and id, by both families, and nobody outside is asked", async () => {
    const net = await network("--ipv6");
    const a = await sleeper("--network", net, "--network-alias", "service");
    const b = await sleeper("--network", net);
    const id = (await ok(hoy.hoy("inspect", "-f", "{{.Id}}", a))).slice(0, 12);
    for (const name of [a, "service", id, `${a}.${net}`]) expect(await pings(b, name)).toBe(true);
    expect((await exec(b, "ping", "-6", "-c1", "-W1", a)).code).toBe(0);
    expect(await ok(exec(b, "cat", "/etc/resolv.conf"))).toContain("nameserver 127.0.0.11");
    expect(asked.filter((name) => name === a || name === "service")).toEqual([]);
    await remove(a, b);
    await ok(hoy.hoy("network", "rm", net));
  });

  test("other names go to the resolver that the user gave", async () => {
    const net = await network();
    const box = await sleeper("--network", net);
    expect(await ok(exec(box, "nslookup", "-type=a", "example.test"))).toContain("192.0.2.99");
    expect(asked).toContain("example.test");
    await remove(box);
    await ok(hoy.hoy("network", "rm", net));
  });

  test("an internal network asks nobody, and leads nowhere", async () => {
    const net = await network("--internal");
    const a = await sleeper("--network", net);
    const b = await sleeper("--network", net);
    expect(await pings(a, b)).toBe(true);
    const before = asked.length;
    expect((await exec(a, "nslookup", "-type=a", "inner.test")).code).not.toBe(0);
    expect(asked.length).toBe(before);
    expect(await pings(a, OUTSIDE.v4)).toBe(false);
    await remove(a, b);
    await ok(hoy.hoy("network", "rm", net));
  });

  test("names of networks that the asker is not on are not told", async () => {
    const [one, two] = [await network(), await network()];
    const a = await sleeper("--network", one);
    const b = await sleeper("--network", two);
    expect(await ok(exec(b, "nslookup", "-type=a", a))).toContain("192.0.2.99");
    await remove(a, b);
    await ok(hoy.hoy("network", "rm", one, two));
  });

  test("an alias of several containers is answered with all of them", async () => {
    const net = await network();
    const boxes = [
      await sleeper("--network", net, "--network-alias", "many"),
      await sleeper("--network", net, "--network-alias", "many"),
    ];
    const answer = await ok(exec(boxes[0] ?? "", "nslookup", "-type=a", "many"));
    for (const box of boxes) expect(answer).toContain(await addressOf(box, net));
    await remove(...boxes);
    await ok(hoy.hoy("network", "rm", net));
  });

  test("--add-host, --dns-search, --dns-option and --hostname are in the container's files", async () => {
    const flags = [
      "--add-host",
      "db:10.9.8.7",
      "--add-host",
      "up:host-gateway",
      "--dns-search",
      "corp.test",
      "--dns-option",
      "timeout:1",
    ];
    const box = await sleeper("--hostname", "named", ...flags);
    const hosts = await ok(exec(box, "cat", "/etc/hosts"));
    expect(hosts).toContain("10.9.8.7\tdb");
    expect(hosts).toMatch(/172\.17\.0\.1\tup/);
    expect(hosts).toMatch(/172\.17\.\d+\.\d+\tnamed/);
    const resolv = await ok(exec(box, "cat", "/etc/resolv.conf"));
    expect(resolv).toContain(`nameserver ${OUTSIDE.v4}`);
    expect(resolv).toContain("search corp.test");
    expect(resolv).toContain("options timeout:1");
    await remove(box);
  });

  test("the daemon comes back after kill -9: names are answered again", async () => {
    const net = await network();
    const a = await sleeper("--network", net);
    const b = await sleeper("--network", net);
    await hoy.restart("SIGKILL");
    expect(await pings(a, b)).toBe(true);
    const c = await sleeper("--network", net);
    expect(await pings(a, c)).toBe(true);
    await remove(a, b, c);
    await ok(hoy.hoy("network", "rm", net));
  });
});

describe("who reaches whom", () => {
  test("the world is reached under the host's address", async () => {
    const box = await sleeper();
    const listener = world.start("busybox", "httpd", "-f", "-v", "-p", `${OUTSIDE.v4}:8099`);
    await eventually(
      async () => (await exec(box, "wget", "-qO-", `http://${OUTSIDE.v4}:8099/nothing`)).stderr.includes("404"),
      "the world answers",
    );
    expect(listener.stderr()).toContain(HOST.v4);
    listener.kill("SIGTERM");
    await listener.exited;
    await remove(box);
  });

  test("not from one network to another, nor from outside to what is not published", async () => {
    const net = await network();
    const a = await sleeper();
    const b = await sleeper("--network", net);
    const address = await addressOf(b, net);
    expect(await pings(a, address)).toBe(false);
    await ok(world.run("ip", "route", "add", "172.16.0.0/12", "via", HOST.v4));
    expect((await world.run("busybox", "ping", "-c1", "-W1", address)).code).not.toBe(0);
    expect(await pings(a, await addressOf(a, "bridge"))).toBe(true);
    await remove(a, b);
    await ok(hoy.hoy("network", "rm", net));
  });

  test("icc=false keeps the containers of a network apart", async () => {
    const net = await network("-o", "com.docker.network.bridge.enable_icc=false");
    const a = await sleeper("--network", net);
    const b = await sleeper("--network", net);
    expect(await pings(a, b)).toBe(false);
    await remove(a, b);
    await ok(hoy.hoy("network", "rm", net));
  });

  test("NET_RAW, low ports and net sysctls work for root of the container, NET_ADMIN when it is given", async () => {
    const run = (...argv: string[]) => hoy.hoy("run", "--rm", ...DNS, ...argv);
    expect((await run("busybox", "ping", "-c1", "-W1", "172.17.0.1")).code).toBe(0);
    expect(await ok(run("--sysctl", "net.ipv4.ip_forward=1", "busybox", "cat", "/proc/sys/net/ipv4/ip_forward"))).toBe(
      "1",
    );
    expect((await run("busybox", "sh", "-c", "timeout 1 httpd -f -p 80; [ $? = 143 ]")).code).toBe(0);
    expect((await run("busybox", "ip", "link", "set", "eth0", "down")).code).not.toBe(0);
    expect((await run("--cap-add", "NET_ADMIN", "busybox", "ip", "link", "set", "eth0", "down")).code).toBe(0);
  });

  test("container:NAME shares all of it", async () => {
    const a = await sleeper();
    const mine = await addressOf(a, "bridge");
    expect(
      await ok(hoy.hoy("run", "--rm", "--network", `container:${a}`, "busybox", "ip", "addr", "show", "eth0")),
    ).toContain(mine);
    await remove(a);
  });
});

describe("connect and disconnect", () => {
  eachClient(hoy, "while running: interface, names and inspect follow", async (client) => {
    const net = await network("--subnet", "10.201.0.0/24");
    const a = await sleeper();
    const b = await sleeper("--network", net);
    await ok(client("network", "connect", "--ip", "10.201.0.77", "--alias", "late", net, a));
    expect(await addressOf(a, net)).toBe("10.201.0.77");
    expect(await pings(b, "late")).toBe(true);
    expect(await pings(a, b)).toBe(true);
    await fails(client("network", "connect", net, a), 1, "already exists in network");
    await ok(client("network", "disconnect", net, a));
    expect(await pings(b, "10.201.0.77")).toBe(false);
    await fails(client("network", "disconnect", net, a), 1, "is not connected");
    await fails(client("network", "rm", net), 1, /has active endpoints/);
    await remove(a, b);
    await ok(client("network", "rm", net));
  });

  test("a stopped container is on its networks when it starts", async () => {
    const net = await network();
    const box = unique();
    await ok(hoy.hoy("create", "--name", box, ...DNS, "busybox", "sleep", "600"));
    await ok(hoy.hoy("network", "connect", net, box));
    await ok(hoy.hoy("start", box));
    expect(await ok(exec(box, "ip", "-o", "-4", "addr"))).toMatch(/eth0[\s\S]*eth1/);
    await remove(box);
    await ok(hoy.hoy("network", "rm", net));
  });

  test("the default route is another network's when its own is left, and comes back with it", async () => {
    const [one, two] = [await network("--subnet", "10.202.3.0/24"), await network("--subnet", "10.202.4.0/24")];
    const box = await sleeper("--network", one, "--network", two);
    const routes = () => ok(exec(box, "ip", "route"));
    const first = (await routes()).includes("via 10.202.3.1 dev eth0") ? one : two;
    await ok(hoy.hoy("network", "disconnect", first, box));
    expect(await routes()).toContain(`default via ${first === one ? "10.202.4.1" : "10.202.3.1"} dev`);
    await ok(hoy.hoy("network", "connect", first, box));
    expect(await routes()).toContain(`default via ${first === one ? "10.202.3.1" : "10.202.4.1"} dev`);
    expect(await ok(exec(box, "ip", "-o", "-4", "addr"))).toMatch(/eth0[\s\S]*eth1|eth1[\s\S]*eth0/);
    for (const name of [one, two]) await ok(hoy.hoy("network", "disconnect", name, box));
    expect(await routes()).toBe("");
    await ok(hoy.hoy("network", "connect", two, box));
    expect(await routes()).toContain("default via 10.202.4.1 dev eth0");
    await remove(box);
    await ok(hoy.hoy("network", "rm", one, two));
  });

  test("gw-priority decides the default route", async () => {
    const [one, two] = [await network("--subnet", "10.202.1.0/24"), await network("--subnet", "10.202.2.0/24")];
    const box = await sleeper("--network", one, "--network", `name=${two},gw-priority=1`);
    expect(await ok(exec(box, "ip", "route"))).toContain("default via 10.202.2.1");
    await remove(box);
    await ok(hoy.hoy("network", "rm", one, two));
  });
});

describe("addresses", () => {
  test("fifty containers at once: no address twice, and all come back", async () => {
    const net = await network("--subnet", "10.203.0.0/25");
    const names = await Promise.all(Array.from({ length: 50 }, () => sleeper("--network", net)));
    const addresses = await Promise.all(names.map((name) => addressOf(name, net)));
    expect(new Set(addresses).size).toBe(50);
    await remove(...names);
    const again = await sleeper("--network", net);
    expect(await addressOf(again, net)).toBe("10.203.0.2");
    await remove(again);
    await ok(hoy.hoy("network", "rm", net));
  }, 60_000);

  test("a subnet that is full, and an address that is taken or outside, leave nothing behind", async () => {
    const net = await network("--subnet", "10.204.0.0/30");
    const only = await sleeper("--network", net);
    await fails(hoy.hoy("run", "--rm", "--network", net, "busybox", "true"), 125, "no available IPv4 addresses");
    await remove(only);
    await fails(hoy.hoy("run", "--rm", "--network", net, "--ip", "10.9.9.9", "busybox", "true"), 125, "not in subnet");
    await ok(hoy.hoy("run", "--rm", "--network", net, "--ip", "10.204.0.2", "busybox", "true"));
    await ok(hoy.hoy("network", "rm", net));
  });
});

describe("the networks' verbs", () => {
  eachClient(hoy, "create, ls, inspect, rm, as docker has them", async (client) => {
    const name = unique("net");
    await ok(
      client(
        "network",
        "create",
        "--label",
        "a=b",
        "--subnet",
        "10.205.0.0/24",
        "--gateway",
        "10.205.0.9",
        "--aux-address",
        "x=10.205.0.2",
        name,
      ),
    );
    expect(
      await ok(client("network", "ls", "--filter", "label=a=b", "--format", "{{.Name}} {{.Driver}} {{.Scope}}")),
    ).toBe(`${name} bridge local`);
    const box = await sleeper("--network", name);
    expect(await addressOf(box, name)).toBe("10.205.0.1");
    const shown = JSON.parse(await ok(client("network", "inspect", name)));
    expect(shown[0]).toMatchObject({
      Name: name,
      Driver: "bridge",
      Labels: { a: "b" },
      IPAM: { Config: [{ Subnet: "10.205.0.0/24", Gateway: "10.205.0.9" }] },
    });
    expect(Object.values(shown[0].Containers)).toMatchObject([{ Name: box, IPv4Address: "10.205.0.1/24" }]);
    await remove(box);
    expect(await ok(client("network", "rm", name))).toBe(name);
  });

  for (const [what, flags, words] of [
    ["a name that is there", ["bridge"], /already exists|not permitted/],
    ["a bad subnet", ["--subnet", "10.0.0.0/99", "x1"], /invalid/],
    ["host bits in the subnet", ["--subnet", "10.0.0.1/24", "x2"], /it should be 10\.0\.0\.0\/24/],
    [
      "a gateway outside",
      ["--subnet", "10.206.0.0/24", "--gateway", "10.9.9.9", "x3"],
      /no matching subnet for gateway/,
    ],
    ["an overlap", ["--subnet", "172.17.0.0/24", "x4"], /overlaps/],
    ["an unknown driver", ["-d", "nonesuch", "x5"], /: plugin "nonesuch" not found/],
    ["an unknown option", ["-o", "com.docker.network.bridge.nonsense=1", "x6"], /does not know the option/],
  ] as const) {
    eachClient(hoy, `refused: ${what}`, (client) => fails(client("network", "create", ...flags), 1, words));
  }

  test("predefined networks stay, prune takes what nobody uses", async () => {
    await fails(hoy.hoy("network", "rm", "bridge"), 1, "pre-defined network and cannot be removed");
    const [unused, used] = [await network(), await network()];
    const box = await sleeper("--network", used);
    expect(await ok(hoy.hoy("network", "prune", "-f"))).toContain(unused);
    expect(await ok(hoy.hoy("network", "ls", "--format", "{{.Name}}"))).toContain(used);
    await remove(box);
    await ok(hoy.hoy("network", "rm", used));
  });

  test("a network's name may have spaces; its address management shows no options when there are none", async () => {
    const name = `${unique("net")} a b`;
    const created = await hoy.api("POST", "/networks/create", { Name: name });
    expect(created.status).toBe(201);
    const path = `/networks/${encodeURIComponent(name)}`;
    expect((await hoy.api("GET", path)).json).toMatchObject({ Name: name, IPAM: { Options: null } });
    expect((await hoy.api("DELETE", path)).status).toBe(204);
  });

  test("a legacy link tells addresses, ports and variables, and can be taken away", async () => {
    const other = await sleeper("-e", "FOO=1", "--expose", "80", "--expose", "53/udp");
    const address = await ok(hoy.hoy("inspect", "--format", "{{.NetworkSettings.IPAddress}}", other));
    const name = unique("linked");
    await ok(hoy.hoy("create", "--name", name, ...DNS, "--link", `${other}:my-db`, "busybox", "env"));
    const told = (await ok(hoy.hoy("start", "-a", name))).split("\n").filter((line) => line.startsWith("MY_DB_"));
    expect(told.toSorted()).toEqual(
      [
        "MY_DB_ENV_FOO=1",
        `MY_DB_NAME=/${name}/my-db`,
        `MY_DB_PORT=udp://${address}:53`,
        `MY_DB_PORT_53_UDP=udp://${address}:53`,
        `MY_DB_PORT_53_UDP_ADDR=${address}`,
        "MY_DB_PORT_53_UDP_PORT=53",
        "MY_DB_PORT_53_UDP_PROTO=udp",
        `MY_DB_PORT_80_TCP=tcp://${address}:80`,
        `MY_DB_PORT_80_TCP_ADDR=${address}`,
        "MY_DB_PORT_80_TCP_PORT=80",
        "MY_DB_PORT_80_TCP_PROTO=tcp",
      ].toSorted(),
    );
    const runs = await sleeper("--link", `${other}:my-db`);
    expect(await ok(exec(runs, "sh", "-c", "echo $MY_DB_PORT_80_TCP_ADDR"))).toBe(address);
    await remove(runs);
    const links = async () => JSON.parse(await ok(hoy.hoy("inspect", "--format", "{{json .HostConfig.Links}}", name)));
    expect(await links()).toEqual([`/${other}:/${name}/my-db`]);
    await ok(hoy.hoy("rm", "--link", `${name}/my-db`));
    expect((await links()) ?? []).toEqual([]);
    await fails(hoy.hoy("rm", "--link", `${name}/my-db`), 1, `No such container: ${name}/my-db`);
    await fails(hoy.hoy("rm", "--link", name), 1, "Conflict, cannot remove the default link name of the container");
    expect(await ok(hoy.hoy("start", "-a", name))).not.toContain("MY_DB_");
    await remove(name, other);
  });

  test("a link to what is not there or does not run is refused", async () => {
    const missing = await hoy.api("POST", "/containers/create", {
      Image: "busybox",
      HostConfig: { Links: ["gone:x"] },
    });
    expect(missing.status).toBe(400);
    expect(missing.json).toEqual({ message: "could not get container for gone: No such container: gone" });
    const other = await sleeper();
    const name = unique("linked");
    await ok(hoy.hoy("create", "--name", name, ...DNS, "--link", other, "busybox", "true"));
    await ok(hoy.hoy("stop", "-t", "0", other));
    await fails(hoy.hoy("start", name), 1, `Cannot link to a non running container: /${other}`);
    await remove(name, other);
  });

  eachClient(
    hoy,
    "a container that left its last network is connected again, also by the next engine",
    async (client) => {
      const name = await network();
      const [other, one] = [await sleeper("--network", name), await sleeper("--network", name)];
      const bare = await sleeper("--network", "none");
      const servers = () => ok(exec(one, "grep", "-c", "127.0.0.11", "/etc/resolv.conf"));
      for (const restart of [false, true]) {
        await ok(client("network", "disconnect", name, one));
        expect((await exec(one, "grep", "-c", "127.0.0.11", "/etc/resolv.conf")).stdout.trim()).toBe("0");
        if (restart) await hoy.restart("SIGKILL");
        for (const container of [one, bare]) {
          await ok(client("network", "connect", "--alias", "again", name, container));
          expect(await ok(exec(container, "ping", "-c", "1", "-W", "5", other))).toContain("1 packets received");
          expect(await ok(exec(other, "nslookup", "again"))).toContain("Address");
        }
        expect(await servers()).toBe("1");
        await ok(client("network", "disconnect", name, bare));
      }
      await remove(other, one, bare);
      await ok(client("network", "rm", name));
    },
  );

  test("a link on a network of the user's own is a name, also of what comes later", async () => {
    const name = await network();
    const later = unique("later");
    const asker = await sleeper("--network", name, "--link", `${later}:bar`);
    const other = await ok(hoy.hoy("run", "-d", "--name", later, "--network", name, "busybox", "sleep", "600"));
    const format = `{{(index .NetworkSettings.Networks "${name}").IPAddress}}`;
    const address = await ok(hoy.hoy("inspect", "--format", format, other));
    expect(await ok(exec(asker, "nslookup", "bar"))).toContain(address);
    await remove(asker, later);
    await ok(hoy.hoy("network", "rm", name));
  });

  eachClient(hoy, "a renamed container has its new name at once, and links follow it", async (client) => {
    const name = await network();
    const [old, fresh, parent] = [unique("old"), unique("new"), unique("parent")];
    const target = await ok(client("run", "-d", "--name", old, "--network", name, "busybox", "sleep", "600"));
    const asker = await sleeper("--network", name, "--link", `${old}:alias`);
    const look = (what: string) => client("exec", asker, "nslookup", what);
    const address = `{{(index .NetworkSettings.Networks "${name}").IPAddress}}`;
    const ip = await ok(client("inspect", "--format", address, target));
    expect((await look(old)).stdout).toContain(ip);
    await ok(client("rename", old, fresh));
    expect((await look(fresh)).stdout).toContain(ip);
    expect((await look("alias")).stdout).toContain(ip);
    expect((await look(old)).stdout).not.toContain(ip);
    const names = await ok(
      client("inspect", "--format", `{{json (index .NetworkSettings.Networks "${name}").DNSNames}}`, fresh),
    );
    expect(JSON.parse(names)).toEqual([fresh, target.slice(0, 12)]);
    await hoy.restart("SIGKILL");
    expect((await look(fresh)).stdout).toContain(ip);
    await remove(asker, fresh);
    await ok(client("network", "rm", name));

    const other = await ok(client("run", "-d", "--name", old, ...DNS, "busybox", "sleep", "600"));
    await ok(client("create", "--name", parent, ...DNS, "--link", `${old}:db`, "busybox", "env"));
    await ok(client("rename", old, fresh));
    const shown = await ok(
      client("ps", "-a", "--no-trunc", "--filter", `name=^/${parent}/db$`, "--format", "{{.ID}} {{.Names}}"),
    );
    expect(shown).toBe(`${other} ${fresh},${parent}/db`);
    expect(await ok(client("ps", "--filter", `id=${other}`, "--format", "{{.Names}}"))).toBe(fresh);
    expect(await ok(client("inspect", "--format", "{{.Id}}", `${parent}/db`))).toBe(other);
    expect(await ok(client("inspect", "--format", "{{.HostConfig.Links}}", parent))).toBe(`[/${fresh}:/${parent}/db]`);
    expect(await ok(client("start", "-a", parent))).toContain(`DB_NAME=/${parent}/db`);
    await remove(parent, other);
  });

  test("links and a hardware address asked for are shown, before the start and after", async () => {
    const name = await network();
    const upstream = await ok(hoy.hoy("run", "-d", "--network", name, "busybox", "sleep", "100"));
    const asked = { Links: [`${upstream.trim()}:bar`], MacAddress: "02:42:ac:11:00:02" };
    const { json } = await hoy.api("POST", "/containers/create", {
      Image: "busybox",
      Cmd: ["sleep", "100"],
      HostConfig: { NetworkMode: name },
      NetworkingConfig: { EndpointsConfig: { [name]: asked } },
    });
    const path = `/containers/${(json as { Id: string }).Id}`;
    const shown = { NetworkSettings: { Networks: { [name]: asked } } };
    expect((await hoy.api("GET", `${path}/json`)).json).toMatchObject(shown);
    expect((await hoy.api("POST", `${path}/start`)).status).toBe(204);
    expect((await hoy.api("GET", `${path}/json`)).json).toMatchObject(shown);
    await ok(hoy.hoy("rm", "-f", path.slice("/containers/".length), upstream.trim()));
    await ok(hoy.hoy("network", "rm", name));
  });

  test("link-local addresses that were asked for are the interface's too, and shown", async () => {
    const create = (ip: string) =>
      hoy.api("POST", "/containers/create", {
        Image: "busybox",
        Cmd: ["sleep", "100"],
        NetworkingConfig: { EndpointsConfig: { bridge: { IPAMConfig: { LinkLocalIPs: [ip] } } } },
      });
    expect(await create("10.1.2.3")).toMatchObject({
      status: 400,
      json: { message: "invalid link-local IP address: 10.1.2.3" },
    });
    const { Id } = (await create("169.254.8.8")).json as { Id: string };
    await ok(hoy.hoy("start", Id));
    expect(await ok(exec(Id, "ip", "addr", "show", "eth0"))).toContain("inet 169.254.8.8/16");
    const format = "{{json .NetworkSettings.Networks.bridge.IPAMConfig}}";
    expect(JSON.parse(await ok(hoy.hoy("inspect", "--format", format, Id)))).toEqual({ LinkLocalIPs: ["169.254.8.8"] });
    await remove(Id);
  });

  test("an unknown network is an error at run, and nothing is left", async () => {
    const name = unique();
    await fails(
      hoy.hoy("run", "--name", name, "--network", "nonesuch", "busybox", "true"),
      125,
      "network nonesuch not found",
    );
    await hoy.hoy("rm", name);
  });

  test("a network takes along the interface of a container whose namespace somebody keeps", async () => {
    const [name, network] = [unique(), unique()];
    await ok(hoy.hoy("network", "create", network));
    await ok(hoy.hoy("run", "-d", "--name", name, "--network", network, "busybox", "sleep", "1000"));
    const pid = await ok(hoy.hoy("inspect", "--format", "{{.State.Pid}}", name));
    // As a socket does whose peer has gone with bytes still on their way.
    const kept = openSync(`/proc/${pid}/ns/net`, "r");
    try {
      await ok(hoy.hoy("rm", "-f", name));
      await ok(hoy.hoy("network", "rm", network));
      expect(await ok(world.host("ip", "-o", "link"))).not.toMatch(/vh[0-9a-f]{11}/);
    } finally {
      closeSync(kept);
    }
  });

  test("no link, rule or address of ours is left on the host when all is gone", async () => {
    const links = await ok(world.host("ip", "-o", "link"));
    expect(links).not.toMatch(/vh[0-9a-f]{11}/);
    expect(links).not.toContain("br-");
    expect(await ok(world.host("nft", "list", "tables"))).toMatch(/^table inet hoy-[0-9a-f]{8}$/);
  });
});
