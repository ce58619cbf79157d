// The flags of `run` and `create`, held against docker's own client: both are given the same command lines and the same
// (recording) engine, and must ask it for the same container, or refuse with the same words.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { docker, dockerVersion } from "../testing/docker-client.ts";
import { FakeEngine } from "../testing/fake-engine.ts";
import { hoy } from "../testing/memory-io.ts";
import { ACCEPTED, REFUSED } from "./run-flags.cases.ts";

const engine = new FakeEngine();
let env: Record<string, string> = {};

beforeAll(async () => {
  await engine.start();
  engine.answers.set("POST /containers/create", { Id: "f".repeat(64), Warnings: [] });
  const cwd = engine.directory;
  mkdirSync(join(cwd, "config"));
  writeFileSync(join(cwd, "vars"), "# comment\n\nA=1\nB=two words\n  C=3\nFROM_CLIENT\nNOT_THERE\nEMPTY=\n");
  writeFileSync(join(cwd, "labels"), "one=1\ntwo\n");
  writeFileSync(join(cwd, "badvars"), "A=1\n=x\n");
  writeFileSync(join(cwd, "spacevars"), "A B=1\n");
  writeFileSync(join(cwd, "seccomp.json"), '{\n  "defaultAction": "SCMP_ACT_ALLOW",\n  "syscalls": [ ]\n}\n');
  env = {
    HOME: cwd,
    DOCKER_HOST: engine.host,
    DOCKER_CONFIG: join(cwd, "config"),
    FROM_CLIENT: "client's",
    LANG: "C.UTF-8",
  };
});

afterAll(() => engine[Symbol.asyncDispose]());

/** "~" stands for a space inside a word. */
const words = (line: string) =>
  line
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => word.replaceAll("~", " "));

async function both(argv: readonly string[]) {
  engine.take();
  const theirs = await docker(argv, env, { cwd: engine.directory });
  const theirRequests = engine.take();
  const ours = await hoy(argv, { env, cwd: engine.directory, program: "docker" });
  return { theirs, ours, theirRequests, ourRequests: engine.take() };
}

describe.skipIf(dockerVersion === undefined)(`against docker ${dockerVersion ?? "(no docker client here)"}`, () => {
  test.each(ACCEPTED)("create %s", async (line) => {
    const { theirs, ours, theirRequests, ourRequests } = await both([
      "create",
      ...words(line),
      "busybox",
      "sh",
      "-c",
      "x",
    ]);
    expect(theirs.code).toBe(0);
    expect(ours).toEqual({ ...theirs, stderr: theirs.stderr.replace(/^Flag .*deprecated.*\n/m, "") });
    const [wanted] = theirRequests.filter(({ method }) => method === "POST");
    const [got] = ourRequests.filter(({ method }) => method === "POST");
    expect(got?.query).toEqual(wanted?.query ?? {});
    expect(normal(got?.body)).toEqual(normal(wanted?.body));
  });

  test.each(REFUSED)("create %s is refused alike", async (line) => {
    const { theirs, ours, ourRequests } = await both(["create", ...words(line), "busybox"]);
    expect(theirs.code).not.toBe(0);
    expect(ours).toEqual(theirs);
    expect(ourRequests.filter(({ path }) => path === "/containers/create")).toEqual([]);
  });
});

/** Without nulls; lists that docker's client orders at random sorted; zero values of endpoints, which it sends, dropped. */
function normal(body: string | undefined): unknown {
  const value = withoutNulls(JSON.parse(body ?? "null")) as {
    Env?: string[];
    HostConfig?: { Binds?: string[]; Mounts?: { VolumeOptions?: { DriverConfig?: unknown } }[] };
    NetworkingConfig?: { EndpointsConfig?: Record<string, Record<string, unknown>> };
  };
  value.Env?.sort();
  value.HostConfig?.Binds?.sort();
  // An empty one is what that version of docker sends for volumes with options.
  for (const { VolumeOptions: volume } of value.HostConfig?.Mounts ?? [])
    if (volume !== undefined && JSON.stringify(volume.DriverConfig) === "{}") delete volume.DriverConfig;
  for (const endpoint of Object.values(value.NetworkingConfig?.EndpointsConfig ?? {}))
    for (const [name, item] of Object.entries(endpoint)) if (item === "" || item === 0) delete endpoint[name];
  return value;
}

/** Null and an empty list say the same to an engine. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null && !(Array.isArray(item) && item.length === 0))
      .map(([key, item]) => [key, withoutNulls(item)]),
  );
}
