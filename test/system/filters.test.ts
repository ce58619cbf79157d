// What `ps` shows of what was asked for, in the forms that scripts write filters in; and errors and warnings that name
// what they are about, in Docker's words.

import { beforeAll, describe, expect } from "bun:test";
import { eachClient, fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const name = unique("web");
const other = `${name}-other`;
const network = unique("net");

beforeAll(async () => {
  await ok(hoy.hoy("network", "create", network));
  await ok(hoy.hoy("create", "--name", name, "--network", network, "busybox", "true"));
  await ok(hoy.hoy("create", "--name", other, "busybox", "true"));
});

describe("ps --filter", () => {
  eachClient(hoy, "name: anchored, with the slash that inspect shows and without", async (client) => {
    const named = (pattern: string) => ok(client("ps", "-a", "--filter", `name=${pattern}`, "--format", "{{.Names}}"));
    for (const pattern of [`^${name}$`, `^/${name}$`, `/${name}$`, `${name}$`])
      expect([pattern, await named(pattern)]).toEqual([pattern, name]);
    expect((await named(`^${name}`)).split("\n").sort()).toEqual([name, other].sort());
    expect(await named(`^eb-`)).toBe("");
  });

  eachClient(hoy, "network: by name, by id, by the beginning of an id", async (client) => {
    const id = await ok(client("network", "inspect", network, "--format", "{{.Id}}"));
    for (const word of [network, id, id.slice(0, 12)])
      expect(await ok(client("ps", "-a", "--filter", `network=${word}`, "--format", "{{.Names}}"))).toBe(name);
  });
});

describe("words", () => {
  eachClient(hoy, "published ports on the host's network are said to be discarded", async (client) => {
    const made = await client("create", "--network", "host", "-p", "80:80", "busybox", "true");
    expect(made.stderr).toBe("WARNING: Published ports are discarded when using host network mode\n");
    await ok(client("rm", made.stdout.trim()));
  });

  eachClient(hoy, "kill and rename say what was not done", async (client) => {
    await fails(client("kill", "absent"), 1, /cannot kill container: absent: No such container: absent/);
    await fails(client("rename", name, other), 1, /Error when allocating new name: Conflict/);
  });

  eachClient(hoy, "/etc/hosts has the bare name beside a full one", async (client) => {
    const read = ["busybox", "sh", "-c", "grep '\tfull' /etc/hosts | cut -f2"];
    expect(await ok(client("run", "--rm", "-h", "full.example.org", ...read))).toBe("full.example.org full");
    expect(await ok(client("run", "--rm", "-h", "full", "--domainname", "example.org", ...read))).toBe(
      "full.example.org full",
    );
  });

  eachClient(hoy, "system prune takes a label", async (client) => {
    expect(await ok(client("system", "prune", "--force", "--filter", "label=absent"))).toContain(
      "Total reclaimed space",
    );
  });

  eachClient(hoy, "ps shows sizes where the template shows the whole container", async (client) => {
    expect(await ok(client("ps", "-a", "--filter", `name=^${name}$`, "--format", "{{json .}}"))).toContain("(virtual ");
  });

  eachClient(hoy, "logs names the option that is not a time", async (client) => {
    await fails(client("logs", "--since", "soon", name), 1, /invalid value for "since": failed to parse value as time/);
  });
});
