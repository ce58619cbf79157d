// The check that every test file ends with, checked: what is left of networking in a daemon's namespace is named.

import { expect, test } from "bun:test";
import { command } from "../harness/command.ts";
import { TestDaemon } from "../harness/daemon.ts";

test("a link, an address, a route, a rule and a table that are left fail the file, each by its name", async () => {
  const daemon = new TestDaemon({});
  await daemon.up();
  for (const line of [
    "ip link add left0 type bridge",
    "ip address add 192.0.2.1/24 dev lo",
    "ip route add blackhole 192.0.2.128/25",
    "ip rule add from 192.0.2.7 lookup 77",
    "nft add table inet left",
  ]) {
    expect(await command([...daemon.inside, ...line.split(" ")])).toMatchObject({ code: 0, stderr: "" });
  }
  const said = await daemon.close().then(
    () => "nothing",
    (error: Error) => error.message,
  );
  for (const left of [
    "links: left: left0 bridge",
    "addresses: left: lo 192.0.2.1/24",
    "routes: left: blackhole 192.0.2.128/25",
    "rules: left: 32765:\tfrom 192.0.2.7 lookup 77",
    "nft: left: table inet left {",
  ]) {
    expect(said).toContain(left);
  }
});
