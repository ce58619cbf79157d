// The build history: what was built is remembered over the daemon's end, with what it said, and filtered as asked.

import { describe, expect, test } from "bun:test";
import { Control } from "../../src/build/buildkit/proto/gen/control_pb.ts";
import { buildxOf, contextIn, withoutBuildx } from "../harness/buildx.ts";
import { ok } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { openLlb } from "../harness/llb.ts";

const hoy = await testDaemon({ config: { builder: { history: { maxEntries: 3, maxAge: 0 } } } });
const build = (script: string) =>
  hoy.hoy(
    "build",
    "--network",
    "none",
    "--progress",
    "plain",
    "--build-arg",
    "TOKEN=hidden",
    contextIn(hoy, `FROM busybox\nARG TOKEN\nRUN ${script}\n`),
  );

interface Told {
  readonly ref: string;
  readonly error: string | undefined;
  readonly args: string | undefined;
}

async function history(...filter: string[]): Promise<Told[]> {
  await using llb = await openLlb(hoy.socket);
  const signal = AbortSignal.timeout(30_000);
  const call = llb.control.open(Control.method.listenBuildHistory, { signal });
  await call.send({ earlyExit: true, filter });
  call.end();
  const told: Told[] = [];
  for await (const { record } of call.answers) {
    if (record?.completedAt === undefined || record.frontend === "") continue;
    told.push({ ref: record.ref, error: record.error?.message, args: record.frontendAttrs["build-arg:TOKEN"] });
  }
  call.cancel();
  return told;
}

async function said(ref: string): Promise<string> {
  await using llb = await openLlb(hoy.socket);
  const call = llb.control.open(Control.method.status, { signal: AbortSignal.timeout(30_000) });
  await call.send({ ref });
  call.end();
  let text = "";
  for await (const { logs } of call.answers) text += logs.map(({ msg }) => Buffer.from(msg).toString()).join("");
  return text;
}

describe("the build history", () => {
  test("over a restart: records, errors, what was said; never a build argument's value", async () => {
    expect((await build("echo well-said")).code).toBe(0);
    expect((await build("echo badly; exit 3")).code).toBe(1);
    await hoy.restart("SIGKILL");
    const [good, bad] = await history();
    expect(good).toMatchObject({ error: undefined, args: "***" });
    expect(bad?.error).toContain("exit code: 3");
    expect(await said(good?.ref ?? "")).toContain("well-said\n");
    expect(await said(bad?.ref ?? "")).toContain("badly\n");
    expect((await history("status==error")).map(({ ref }) => ref)).toEqual([bad?.ref ?? ""]);
    await expect(history("nonsense=1")).rejects.toThrow("invalid history filter");
  });

  test("as many stay as the settings say; removed ones are gone, pinned ones stay", async () => {
    const [first] = await history();
    const ref = first?.ref ?? "";
    await using llb = await openLlb(hoy.socket);
    const update = (change: object) =>
      llb.control.unary(Control.method.updateBuildHistory, { ref, ...change }, { signal: AbortSignal.timeout(30_000) });
    await update({ pinned: true });
    for (const word of ["a", "b", "c", "d"]) await ok(build(`echo ${word}`));
    const refs = (await history()).map((record) => record.ref);
    expect(refs).toContain(ref);
    expect(refs.length).toBeLessThanOrEqual(4);
    await update({ delete: true });
    expect((await history()).map((record) => record.ref)).not.toContain(ref);
  });
});

if (withoutBuildx !== "") {
  test.skip(`buildx history (skipped: ${withoutBuildx})`, () => undefined);
} else {
  test("buildx history ls, inspect, logs, rm", async () => {
    const buildx = buildxOf(hoy);
    const good = async (...args: string[]) => {
      const { code, stdout, stderr } = await buildx("history", ...args);
      if (code !== 0) throw new Error(stderr);
      return stdout + stderr;
    };
    await buildx.build(contextIn(hoy, "FROM busybox\nRUN echo remembered\n"));
    await hoy.restart();
    const [newest = ""] = (await good("ls", "--format", "{{.Ref}}", "--filter", "status=completed")).trim().split("\n");
    const ref = newest.split("/").at(-1) ?? "";
    expect(await good("ls")).toContain("Completed");
    expect(await good("logs", ref)).toContain("remembered");
    const inspected = await good("inspect", ref);
    expect(inspected).toMatch(/Dockerfile:\s+Dockerfile\n/);
    expect(inspected).toMatch(/Build Steps:\s+5\/5/);
    await good("rm", ref);
    expect(await good("ls", "--format", "{{.Ref}}")).not.toContain(ref);
  });
}
