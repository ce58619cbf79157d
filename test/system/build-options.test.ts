// Options of `docker build` that reach the steps, and what becomes of built images, on the driver that unpacks layers.

import { expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { testWith } from "../harness/needs.ts";

const hoy = await testDaemon({ flags: ["--storage-driver=overlay"] });
const { docker } = hoy;
const env = { DOCKER_BUILDKIT: "0" };
const build = (...args: string[]) => docker.with({ env }, "build", ...args);

function context(dockerfile: string): string {
  const root = mkdtempSync(join(hoy.root, "context-"));
  writeFileSync(join(root, "Dockerfile"), dockerfile);
  return root;
}

testWith("docker", "limits, hosts, shared memory and the network reach the commands", async () => {
  const limits = ["--memory", "64m", "--ulimit", "nofile=123:456", "--shm-size", "8m", "--add-host", "friend:10.9.8.7"];
  const dir = context(`FROM busybox
RUN ulimit -n; df -k /dev/shm | tail -1; cat /etc/hosts; cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null; ls /sys/class/net; true
`);
  const output = await ok(build(...limits, dir));
  expect(output).toContain("\n123\n");
  expect(output).toMatch(/\b8192\b.*\/dev\/shm/);
  expect(output).toMatch(/10\.9\.8\.7\s+friend/);
  expect(output).toContain("67108864");
  expect(output).toContain("eth0");
  expect(await ok(build("--no-cache", "--network", "none", dir))).not.toContain("eth0");
});

testWith("docker", "a built image is saved, removed with its cache, and loaded with the same id", async () => {
  const tag = unique("image");
  await ok(build("--network", "none", "-t", tag, context("FROM busybox\nRUN echo data > /data && chmod 640 /data\n")));
  const id = await ok(docker("inspect", "--format", "{{.Id}}", tag));
  const file = join(hoy.root, "saved.tar");
  await ok(docker("save", "-o", file, tag));
  await ok(docker("rmi", tag));
  expect((await hoy.api("POST", "/build/prune?all=1")).status).toBe(200);
  await ok(docker("load", "-i", file));
  expect(await ok(docker("inspect", "--format", "{{.Id}}", tag))).toBe(id);
  expect(await ok(docker("run", "--rm", "--network", "none", tag, "stat", "-c", "%a %s", "/data"))).toBe("640 5");
});

testWith("docker", "with a source date the same Dockerfile gives the same image, without any cache", async () => {
  const dir = context("FROM busybox\nARG SOURCE_DATE_EPOCH\nRUN echo x > /x && mkdir /d\nWORKDIR /w\n");
  const args = ["--network", "none", "-q", "--no-cache", "--build-arg", "SOURCE_DATE_EPOCH=1700000000", dir];
  const first = await ok(build(...args));
  await Bun.sleep(1100);
  expect(await ok(build(...args))).toBe(first);
});

test("version 2 of /build with the files in the request: BuildKit's traces, and the image's id", async () => {
  const dir = mkdtempSync(join(hoy.root, "context-"));
  writeFileSync(join(dir, "Dockerfile"), "FROM busybox\nRUN echo traced >/made\n");
  const tar = Bun.spawn(["tar", "-C", dir, "-cf", "-", "."], { stdout: "pipe" });
  const response = await fetch("http://hoy/build?version=2&t=traced", {
    method: "POST",
    unix: hoy.socket,
    headers: { "Content-Type": "application/x-tar" },
    body: await tar.stdout.bytes(),
  } as RequestInit);
  const lines = (await response.text())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(response.status).toBe(200);
  const traces = lines
    .filter(({ id }) => id === "moby.buildkit.trace")
    .map(({ aux }) => Buffer.from(String(aux), "base64"));
  expect(Buffer.concat(traces).toString("latin1")).toContain("RUN echo traced");
  expect(lines.at(-1)).toMatchObject({
    id: "moby.image.id",
    aux: { ID: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
  });
  expect(await ok(hoy.hoy("run", "--rm", "--network", "none", "traced", "cat", "/made"))).toBe("traced");
});

test("a commit's config may be null, as older clients send it", async () => {
  await ok(hoy.hoy("create", "--name", "to-commit", "busybox", "true"));
  const answer = await hoy.api("POST", "/commit?container=to-commit&repo=committed", "null");
  expect(answer.status).toBe(201);
});
