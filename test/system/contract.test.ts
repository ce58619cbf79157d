// What the real engine answers, held against Docker's own description of the API (swagger 1.51).

import { beforeAll, describe, expect, test } from "bun:test";
import { loadContract, WITHOUT_CONTRACT } from "../../src/api/testing/contract.ts";
import { ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const contract = loadContract();
const hoy = await testDaemon();
const name = unique("contract");
const volume = unique("contract");

beforeAll(async () => {
  await ok(hoy.hoy("volume", "create", volume));
  await ok(
    hoy.hoy(
      ...["run", "-d", "--name", name, "--network", "none", "-v", `${volume}:/data`, "--memory", "64m", "-e", "A=b"],
      ...["busybox", "sleep", "1000"],
    ),
  );
});

const ANSWERS: readonly (readonly [path: string, target: string])[] = [
  ["/containers/json", "/containers/json?all=1&size=1"],
  ["/containers/{id}/json", `/containers/${name}/json?size=1`],
  ["/containers/{id}/top", `/containers/${name}/top`],
  ["/containers/{id}/changes", `/containers/${name}/changes`],
  ["/containers/{id}/stats", `/containers/${name}/stats?stream=0`],
  ["/images/json", "/images/json?all=1&shared-size=1"],
  ["/images/{name}/json", "/images/busybox/json"],
  ["/images/{name}/history", "/images/busybox/history"],
  ["/networks", "/networks"],
  ["/networks/{id}", "/networks/none"],
  ["/volumes", "/volumes"],
  ["/volumes/{name}", `/volumes/${volume}`],
  ["/info", "/info"],
  ["/version", "/version"],
  ["/system/df", "/system/df"],
];

describe.skipIf(contract === undefined)(`the engine's answers have Docker's form${WITHOUT_CONTRACT}`, () => {
  for (const [path, target] of ANSWERS) {
    test(`GET ${path}`, async () => {
      const { status, json } = await hoy.api("GET", `/v1.51${target}`);
      expect([status, contract?.check("GET", path, status, json)]).toEqual([200, []]);
    });
  }

  test("POST create, wait, exec and prune", async () => {
    const create = await hoy.api("POST", "/v1.51/containers/create", {
      Image: "busybox",
      Cmd: ["true"],
      HostConfig: { NetworkMode: "none" },
    });
    expect([create.status, contract?.check("POST", "/containers/create", 201, create.json)]).toEqual([201, []]);
    const { Id } = create.json as { Id: string };
    await hoy.api("POST", `/v1.51/containers/${Id}/start`);
    const wait = await hoy.api("POST", `/v1.51/containers/${Id}/wait`);
    expect(contract?.check("POST", "/containers/{id}/wait", wait.status, wait.json)).toEqual([]);
    const exec = await hoy.api("POST", `/v1.51/containers/${name}/exec`, { Cmd: ["true"] });
    expect([exec.status, contract?.check("POST", "/containers/{id}/exec", 201, exec.json)]).toEqual([201, []]);
    // Until it has run its exit code is null, in Docker too, whatever the description says.
    const { Id: execId } = exec.json as { Id: string };
    await hoy.api("POST", `/v1.51/exec/${execId}/start`, {});
    const inspected = await hoy.api("GET", `/v1.51/exec/${execId}/json`);
    expect([inspected.status, contract?.check("GET", "/exec/{id}/json", 200, inspected.json)]).toEqual([200, []]);
    const prune = await hoy.api("POST", "/v1.51/containers/prune");
    expect([prune.status, contract?.check("POST", "/containers/prune", 200, prune.json)]).toEqual([200, []]);
  });

  test("errors", async () => {
    for (const path of ["/containers/{id}/json", "/images/{name}/json", "/networks/{id}", "/volumes/{name}"]) {
      const { status, json } = await hoy.api("GET", path.replace(/\{\w+\}/, "no-such-thing"));
      expect([path, status, contract?.check("GET", path, status, json)]).toEqual([path, 404, []]);
    }
  });
});
