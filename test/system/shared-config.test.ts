// Configurations that networks share: `network create --config-only` and `--config-from`, as docker has them.

import { expect, test } from "bun:test";
import { eachClient, fails, ok, unique } from "../harness/clients.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
let subnet = 40;

async function inspect(client: Client, name: string) {
  const [shown] = JSON.parse(await ok(client("network", "inspect", name)));
  return shown;
}

/** A configuration with a subnet of its own, and the first three numbers of that. */
async function configuration(client: Client): Promise<{ name: string; start: string }> {
  const [name, start] = [unique("config"), `10.211.${subnet++}`];
  const more = ["--label", "of=all", "-o", "com.docker.network.driver.mtu=1400", "--gateway", `${start}.9`];
  await ok(client("network", "create", "--config-only", "--subnet", `${start}.0/24`, ...more, name));
  return { name, start };
}

eachClient(hoy, "a network takes subnets, options and labels over, and keeps them", async (client) => {
  const { name: config, start } = await configuration(client);
  expect(await inspect(client, config)).toMatchObject({
    Driver: "null",
    Scope: "local",
    ConfigOnly: true,
    ConfigFrom: { Network: "" },
    IPAM: { Config: [{ Subnet: `${start}.0/24`, Gateway: `${start}.9` }] },
    Options: { "com.docker.network.driver.mtu": "1400" },
    Labels: { of: "all" },
  });
  // Nothing of it is on the host, and its subnet is nobody's yet.
  expect(await ok(hoy.hoy("run", "--rm", "--network", "host", "busybox", "ip", "route"))).not.toContain(start);
  const net = unique("net");
  await ok(client("network", "create", "--config-from", config, "--internal", net));
  expect(await inspect(client, net)).toMatchObject({
    Driver: "bridge",
    Internal: true,
    ConfigOnly: false,
    ConfigFrom: { Network: config },
    IPAM: { Config: [{ Subnet: `${start}.0/24`, Gateway: `${start}.9` }] },
    Options: { "com.docker.network.driver.mtu": "1400" },
    Labels: { of: "all" },
  });
  const link = await ok(client("run", "--rm", "--network", net, "busybox", "ip", "addr", "show", "eth0"));
  expect(link).toContain("mtu 1400");
  expect(link).toContain(`inet ${start}.1/24`);
  // The same addresses twice: only one can have them.
  await fails(client("network", "create", "--config-from", config, unique("net")), 1, "overlaps");

  const used = `configuration network "${config}" is in use`;
  await fails(client("network", "rm", config), 1, `error while removing network: ${used}`);
  await hoy.restart("SIGKILL");
  await fails(client("network", "rm", config), 1, used);
  // What nobody uses is pruned, but never a configuration.
  expect(await ok(client("network", "prune", "-f"))).toContain(net);
  expect(await ok(client("network", "ls", "--filter", "driver=null", "--format", "{{.Name}}"))).toContain(config);
  await ok(client("network", "rm", config));
});

eachClient(hoy, "no container is on a configuration", async (client) => {
  const { name: config } = await configuration(client);
  const words = "cannot create endpoint on configuration-only network";
  const box = unique("box");
  await fails(client("run", "--name", box, "--network", config, "busybox", "true"), 125, words);
  await ok(client("create", "--name", `${box}-2`, "busybox", "sleep", "600"));
  for (const state of ["created", "running"]) {
    if (state === "running") await ok(client("start", `${box}-2`));
    await fails(client("network", "connect", config, `${box}-2`), 1, words);
  }
  expect(await ok(client("inspect", "-f", "{{len .NetworkSettings.Networks}}", `${box}-2`))).toBe("1");
  await ok(client("rm", "-f", `${box}-2`));
  await ok(client("network", "rm", config));
});

const OWN = "user-specified configurations are not supported if the network depends on a configuration network";
const OPTIONS = "network driver options are not supported if the network depends on a configuration network";
const FIELDS =
  "configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.";

for (const [what, flags, words] of [
  ["subnets beside a configuration", ["--config-from", "any", "--subnet", "10.212.0.0/24"], OWN],
  ["labels beside a configuration", ["--config-from", "any", "--label", "a=b"], OWN],
  ["IPv6 beside a configuration", ["--config-from", "any", "--ipv6"], OWN],
  ["options beside a configuration", ["--config-from", "any", "-o", "com.docker.network.driver.mtu=1400"], OPTIONS],
  [
    "a configuration that is not there",
    ["--config-from", "nonesuch"],
    'configuration network "nonesuch" does not exist',
  ],
  ["a network that is no configuration", ["--config-from", "bridge"], 'configuration network "bridge" does not exist'],
  [
    "a configuration of a configuration",
    ["--config-only", "--config-from", "any"],
    "a configuration network cannot depend on another configuration network",
  ],
  ["an internal configuration", ["--config-only", "--internal"], FIELDS],
  ["an attachable configuration", ["--config-only", "--attachable"], FIELDS],
  ["a scope of a configuration", ["--config-only", "--scope", "local"], FIELDS],
  ["a configuration of ingress", ["--config-only", "--ingress"], FIELDS],
  ["a configuration with a bad subnet", ["--config-only", "--subnet", "10.0.0.1/24"], "it should be 10.0.0.0/24"],
] as const) {
  eachClient(hoy, `refused: ${what}`, (client) => fails(client("network", "create", ...flags, unique("x")), 1, words));
}

test("the status of what is refused", async () => {
  const create = (body: object) => hoy.api("POST", "/networks/create", { Name: unique("x"), ...body });
  expect((await create({ ConfigOnly: true, Internal: true })).status).toBe(403);
  expect((await create({ ConfigFrom: { Network: "nonesuch" } })).status).toBe(404);
});
