// Beside other programs' firewalls: their typical tables are loaded into the namespace that plays the host. They are left
// as they are, byte for byte; what they drop is told with the command that opens them; and that command does.

import { afterAll, expect, test } from "bun:test";
import { eventually, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { testWith } from "../harness/needs.ts";
import { HOST, OUTSIDE, Outside } from "../harness/outside.ts";

const hoy = await testDaemon();
const world = await Outside.link(hoy);
const nft = (text: string) => ok(world.host("nft", text));
const warnings = () => ok(hoy.hoy("info", "-f", "{{json .Warnings}}"));
const server = world.start("busybox", "httpd", "-f", "-p", "8401", "-h", "/proc/self/fdinfo");
afterAll(async () => {
  server.kill("SIGKILL");
  await server.exited;
});
/** A new connection each time: a ping's answers would still count as of the one before. */
const reaches = async () =>
  (await hoy.hoy("run", "--rm", "busybox", "sh", "-c", `nc -w 1 ${OUTSIDE.v4} 8401 </dev/null`)).code === 0;
await eventually(reaches, "the world answers");

const FIREWALLS = {
  ufw: {
    rules:
      "table ip filter { chain ufw-before-forward { ct state related,established accept; }; chain FORWARD { type filter hook forward priority 0; policy drop; jump ufw-before-forward; }; }",
    table: "ip filter",
    command: "ufw route allow in on hoy0 && ufw route allow out on hoy0",
  },
  firewalld: {
    rules:
      "table inet firewalld { chain filter_FORWARD { type filter hook forward priority 10; policy accept; ct state established,related accept; reject with icmpx admin-prohibited; }; }",
    table: "inet firewalld",
    command: "firewall-cmd --permanent --zone=trusted --add-interface=hoy0 && firewall-cmd --reload",
  },
  dockerd: {
    rules:
      "table ip filter { chain DOCKER-USER { return; }; chain FORWARD { type filter hook forward priority 0; policy drop; jump DOCKER-USER; ct state related,established accept; }; }",
    table: "ip filter",
    command: "iptables -I DOCKER-USER -i hoy0 -j ACCEPT && iptables -I DOCKER-USER -o hoy0 -j ACCEPT",
  },
  own: {
    rules: "table inet mine { chain walls { type filter hook forward priority 0; policy drop; }; }",
    table: "inet mine",
    command:
      "nft insert rule inet mine walls iifname hoy0 accept && nft insert rule inet mine walls oifname hoy0 accept",
  },
} as const;

for (const [program, { rules, table, command: opening }] of Object.entries(FIREWALLS)) {
  test(`${program}: its rules are left alone, and what they drop is told with what opens them`, async () => {
    await eventually(reaches, "the world answers");
    await nft(rules);
    const before = await nft(`list table ${table}`);
    expect(await reaches()).toBe(false);
    expect(JSON.parse(await warnings())).toContainEqual(expect.stringContaining(`to open it: ${opening}`));
    expect(await nft(`list table ${table}`)).toBe(before);
    // What goes on without forwarding: containers of one network, and published ports from the host itself.
    const name = unique();
    const script = "mkdir /www; echo hello >/www/index.html; httpd -f -p 80 -h /www";
    await ok(hoy.hoy("run", "-d", "--name", name, "-p", "8400:80", "busybox", "sh", "-c", script));
    const get = ["curl", "--silent", "--fail", "--max-time", "2", "http://127.0.0.1:8400"];
    await eventually(async () => (await world.host(...get)).stdout.trim() === "hello", "the port answers on the host");
    expect((await world.run("curl", "--silent", "--max-time", "1", `http://${HOST.v4}:8400`)).code).not.toBe(0);
    await ok(hoy.hoy("rm", "-f", name));
    await nft(`delete table ${table}`);
  });
}

test("the command is what opens it, and then nothing is told", async () => {
  const { rules, table, command: opening } = FIREWALLS.own;
  await nft(rules);
  await hoy.restart();
  expect(hoy.daemonLog()).toContain(`another firewall's chain (${table} walls)`);
  await ok(command([...hoy.inside, "sh", "-c", opening]));
  await eventually(reaches, "the world answers");
  expect(JSON.parse(await warnings())).not.toContainEqual(expect.stringContaining("another firewall"));
  await nft(`delete table ${table}`);
});

testWith("legacyIptables", "the older iptables: what its policy drops is told with what opens it", async () => {
  await eventually(reaches, "the world answers");
  await ok(world.host("iptables-legacy", "-P", "FORWARD", "DROP"));
  expect(await reaches()).toBe(false);
  const told = /\(iptables filter FORWARD\) drops .*; to open it: (.*)$/;
  const warning = JSON.parse(await warnings()).find((text: string) => told.test(text));
  await ok(world.host("sh", "-c", told.exec(warning)?.[1] ?? "false"));
  await eventually(reaches, "the world answers");
  expect(JSON.parse(await warnings())).not.toContainEqual(expect.stringContaining("another firewall"));
  await ok(world.host("iptables-legacy", "-F", "FORWARD"));
  await ok(world.host("iptables-legacy", "-P", "FORWARD", "ACCEPT"));
});
