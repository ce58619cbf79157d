// What a network and a place on it can be told: MAC addresses, MTU, the bridge driver's options, macvlan's modes, and the
// daemon's own settings of the default bridge and of the address pools.

import { describe, expect, test } from "bun:test";
import { eventually, fails, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { type TestDaemon, testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const show = (name: string, file: string) => ok(hoy.hoy("run", "--rm", "--network", name, "busybox", "cat", file));
const host = (daemon: TestDaemon, ...argv: string[]) => ok(command([...daemon.inside, ...argv]));

async function network(...flags: string[]): Promise<string> {
  const name = unique("net");
  await ok(hoy.hoy("network", "create", ...flags, name));
  return name;
}

describe("MAC addresses", () => {
  for (const client of hoy.clients) {
    test(`--mac-address, and one an endpoint, by ${client.program}`, async () => {
      const [one, two] = [await network(), await network()];
      const name = unique();
      await ok(
        client(
          "create",
          "--name",
          name,
          "--network",
          one,
          "--mac-address",
          "02:11:22:33:44:55",
          "busybox",
          "cat",
          "/sys/class/net/eth0/address",
          "/sys/class/net/eth1/address",
        ),
      );
      await ok(hoy.hoy("network", "connect", two, name));
      expect((await ok(client("start", "-a", name))).split("\n")[0]).toBe("02:11:22:33:44:55");
      await ok(client("rm", name));
      const args = [
        "--network",
        `name=${one},mac-address=02:11:22:33:44:66`,
        "--network",
        `name=${two},mac-address=02:11:22:33:44:77`,
      ];
      const files = ["/sys/class/net/eth0/address", "/sys/class/net/eth1/address"];
      expect(await ok(client("run", "--rm", ...args, "busybox", "cat", ...files))).toBe(
        "02:11:22:33:44:66\n02:11:22:33:44:77",
      );
      await ok(client("network", "rm", one, two));
    });
  }

  test("without one it comes from the address; what is none, or a group's, is refused", async () => {
    const name = await network("--subnet", "10.92.0.0/24");
    expect(await show(name, "/sys/class/net/eth0/address")).toBe("02:42:0a:5c:00:02");
    const bad = { NetworkingConfig: { EndpointsConfig: { [name]: { MacAddress: "01:00:5e:00:00:01" } } } };
    const { status, json } = await hoy.api("POST", "/containers/create", {
      Image: "busybox",
      HostConfig: { NetworkMode: name },
      ...bad,
    });
    expect(status).toBe(400);
    expect(json).toMatchObject({ message: "invalid MAC address: 01:00:5e:00:00:01" });
    await ok(hoy.hoy("network", "rm", name));
  });
});

describe("options of the bridge driver", () => {
  test("name, mtu, iface prefix, inhibit_ipv4", async () => {
    const name = await network(
      ...["-o", "com.docker.network.bridge.name=mybridge0", "-o", "com.docker.network.driver.mtu=1400"],
      ...["-o", "com.docker.network.container_iface_prefix=lan", "--subnet", "10.93.0.0/24"],
    );
    expect(await show(name, "/sys/class/net/lan0/mtu")).toBe("1400");
    expect(await host(hoy, "ip", "-4", "addr", "show", "mybridge0")).toContain("10.93.0.1/24");
    await ok(hoy.hoy("network", "rm", name));
    await fails(command([...hoy.inside, "ip", "link", "show", "mybridge0"]), 1, "does not exist");
    const bare = await network(
      "-o",
      "com.docker.network.bridge.inhibit_ipv4=true",
      "-o",
      "com.docker.network.bridge.name=bare0",
    );
    expect(await host(hoy, "ip", "-4", "addr", "show", "bare0")).not.toContain("inet ");
    await ok(hoy.hoy("network", "rm", bare));
  });

  test("host_binding_ipv4, enable_icc, enable_ip_masquerade", async () => {
    const bound = await network("-o", "com.docker.network.bridge.host_binding_ipv4=127.0.0.1");
    const name = unique();
    await ok(hoy.hoy("run", "-d", "--name", name, "--network", bound, "-p", "8300:80", "busybox", "sleep", "1000"));
    expect(await ok(hoy.hoy("port", name))).toBe("80/tcp -> 127.0.0.1:8300");
    await ok(hoy.hoy("rm", "-f", name));
    const apart = await network("-o", "com.docker.network.bridge.enable_icc=false", "--subnet", "10.94.0.0/24");
    await ok(hoy.hoy("run", "-d", "--name", name, "--network", apart, "--ip", "10.94.0.9", "busybox", "sleep", "1000"));
    const ping = (address: string) =>
      hoy.hoy("run", "--rm", "--network", apart, "busybox", "ping", "-c1", "-W1", address);
    expect((await ping("10.94.0.9")).code).toBe(1);
    expect((await ping("10.94.0.1")).code).toBe(0);
    const plain = await network(
      "-o",
      "com.docker.network.bridge.enable_ip_masquerade=false",
      "--subnet",
      "10.95.0.0/24",
    );
    const rules = await host(hoy, "nft", "list", "ruleset");
    expect(rules).toContain("10.94.0.0/24 oifname !=");
    expect(rules).not.toContain("10.95.0.0/24 oifname !=");
    await ok(hoy.hoy("rm", "-f", name));
    await ok(hoy.hoy("network", "rm", bound, apart, plain));
  });

  test("what can't be, or is not known, is refused and leaves nothing", async () => {
    const before = await host(hoy, "ip", "-o", "link");
    for (const [option, words] of [
      ["com.docker.network.bridge.nonsense=1", "does not know the option com.docker.network.bridge.nonsense"],
      ["com.docker.network.bridge.name=much-too-long-name", "invalid bridge name"],
      ["com.docker.network.bridge.enable_icc=maybe", "invalid value for option"],
      ["com.docker.network.bridge.name=lo", "lo is there already and is not a bridge"],
      ["com.docker.network.driver.mtu=12", "invalid MTU: 12"],
    ] as const) {
      await fails(hoy.hoy("network", "create", "-o", option, unique("bad")), 1, words);
    }
    expect(await host(hoy, "ip", "-o", "link")).toBe(before);
  });
});

test("a bridge of the host's own is used, and left when the network goes", async () => {
  await host(hoy, "ip", "link", "add", "own0", "type", "bridge");
  const name = await network("-o", "com.docker.network.bridge.name=own0", "--subnet", "10.99.0.0/24");
  expect(await ok(hoy.hoy("run", "--rm", "--network", name, "busybox", "ip", "addr"))).toContain("10.99.0.2/24");
  await hoy.restart();
  await ok(hoy.hoy("network", "rm", name));
  expect(await host(hoy, "ip", "link", "show", "own0")).toContain("own0");
  await host(hoy, "ip", "link", "del", "own0");
});

test("an interface of another kind is neither used nor taken away", async () => {
  await host(hoy, "ip", "link", "add", "other0", "type", "veth", "peer", "name", "other1");
  const option = "com.docker.network.bridge.name=other0";
  await fails(hoy.hoy("network", "create", "-o", option, unique()), 1, "other0 is there already and is not a bridge");
  expect(await host(hoy, "ip", "link", "show", "other0")).toContain("other0");
  await host(hoy, "ip", "link", "del", "other0");
});

describe("macvlan", () => {
  test("modes; passthru has its parent's MAC", async () => {
    for (const mode of ["private", "vepa", "bridge", "passthru"]) {
      const name = await network("-d", "macvlan", "-o", `macvlan_mode=${mode}`, "--subnet", "10.96.0.0/24");
      expect(await ok(hoy.hoy("run", "--rm", "--network", name, "busybox", "ip", "addr"))).toContain("10.96.0.2/24");
      if (mode === "passthru") {
        const own = hoy.hoy("run", "--network", name, "--mac-address", "02:00:00:00:00:01", "busybox");
        await fails(own, 125, "macvlan passthru interfaces do not support custom mac address assignment");
      }
      await ok(hoy.hoy("container", "prune", "-f"));
      await ok(hoy.hoy("network", "rm", name));
    }
    await fails(
      hoy.hoy("network", "create", "-d", "macvlan", "-o", "macvlan_mode=sideways", unique()),
      1,
      "requested macvlan mode 'sideways' is not valid",
    );
  });
});

describe("the daemon's settings", () => {
  test("bip, fixed-cidr, mtu, default-gateway, IPv6 with a fixed-cidr-v6", async () => {
    const config = {
      bip: "10.97.0.5/24",
      "fixed-cidr": "10.97.0.64/26",
      mtu: 1300,
      ipv6: true,
      "fixed-cidr-v6": "fd97::/64",
      "default-gateway": "10.97.0.77",
    };
    const daemon = await testDaemon({ config });
    const { hoy: client } = daemon;
    const inside = await ok(client("run", "--rm", "busybox", "sh", "-c", "ip addr show eth0; ip route; ip -6 route"));
    expect(inside).toContain("inet 10.97.0.64/24");
    expect(inside).toContain("mtu 1300");
    expect(inside).toContain("default via 10.97.0.77");
    expect(inside).toContain("inet6 fd97::2/64");
    const pools = JSON.parse(await ok(client("network", "inspect", "-f", "{{json .IPAM.Config}}", "bridge")));
    expect(pools).toMatchObject([
      { Subnet: "10.97.0.0/24", IPRange: "10.97.0.64/26", Gateway: "10.97.0.5" },
      { Subnet: "fd97::/64" },
    ]);
    // Another bip moves the bridge at the next start, and networks without an mtu of their own have the daemon's.
    const name = unique("net");
    await ok(client("network", "create", name));
    expect(await ok(client("run", "--rm", "--network", name, "busybox", "cat", "/sys/class/net/eth0/mtu"))).toBe(
      "1300",
    );
    await ok(client("network", "rm", name));
  });

  test("default-address-pools: cut by their size, given again when networks go, and used up", async () => {
    const pools = [
      { base: "10.98.0.0/23", size: 24 },
      { base: "fd98::/56", size: 64 },
    ];
    const daemon = await testDaemon({ config: { "default-address-pools": pools } });
    const { hoy: client } = daemon;
    const subnets = (name: string) =>
      ok(client("network", "inspect", "-f", "{{range .IPAM.Config}}{{.Subnet}} {{end}}", name));
    expect(await subnets("bridge")).toBe("10.98.0.0/24 ");
    expect(await ok(client("info", "-f", "{{json .DefaultAddressPools}}"))).toContain('"10.98.0.0/23"');
    await ok(client("network", "create", "--ipv6", "one"));
    expect(await subnets("one")).toBe("10.98.1.0/24 fd98::/64 ");
    await fails(client("network", "create", "two"), 1, "all predefined address pools have been fully subnetted");
    await ok(client("network", "rm", "one"));
    await ok(client("network", "create", "two"));
    expect(await subnets("two")).toBe("10.98.1.0/24 ");
    await ok(client("network", "rm", "two"));
  });

  test("IPv6 without a pool of one's own: a unique local /64", async () => {
    const name = await network("--ipv6");
    const [, six = ""] = (
      await ok(hoy.hoy("network", "inspect", "-f", "{{range .IPAM.Config}}{{.Subnet}} {{end}}", name))
    ).split(" ");
    expect(six).toMatch(/^fd[0-9a-f:]+\/64$/);
    expect(await show(name, "/proc/net/if_inet6")).toContain("eth0");
    await ok(hoy.hoy("network", "rm", name));
  });
});

describe("rules of one family alone", () => {
  for (const [off, on] of [
    [6, 4],
    [4, 6],
  ] as const) {
    test(`without those of IPv${off}: none speaks of it, and a published port answers by both`, async () => {
      const daemon = await testDaemon({ flags: [off === 6 ? "--ip6tables=false" : "--iptables=false"] });
      await ok(
        daemon.hoy("network", "create", "--ipv6", "--subnet", "172.31.40.0/24", "--subnet", "fd00:40::/64", "n"),
      );
      const [web, port] = [unique(), "8066"];
      const serve = ["nc", "-ll", "-p", "80", "-e", "echo", "hello"];
      await ok(daemon.hoy("run", "-d", "--name", web, "--network", "n", "-p", `${port}:80`, "busybox", ...serve));
      const rules = await host(daemon, "nft", "list", "ruleset");
      const ruled = { 4: "ip saddr 172.31.40.0/24", 6: "ip6 saddr fd00:40::/64" };
      expect(rules).toContain(ruled[on]);
      expect(rules).not.toContain(ruled[off]);
      expect(rules).toMatch(new RegExp(`map published${on}_any \\{[^}]*elements = \\{ tcp \\. ${port} `));
      expect(rules).not.toMatch(new RegExp(`map published${off}_any \\{[^}]*elements`));
      for (const address of ["127.0.0.1", "::1"]) {
        const ask = () => command([...daemon.inside, "busybox", "nc", "-w", "5", address, port]);
        await eventually(async () => (await ask()).stdout.includes("hello"), `it answers at ${address}`);
      }
      await ok(daemon.hoy("rm", "-f", web));
      await ok(daemon.hoy("network", "rm", "n"));
    });
  }
});
