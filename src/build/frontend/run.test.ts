// RUN becomes an operation: shells, here-documents, mounts.

import { describe, expect, test } from "bun:test";
import type { ExecOp } from "../graph.ts";
import type { DockerfileOptions } from "./options.ts";
import { build, faultOf, lastOp } from "./testing/fake-solver.ts";

const F = "FROM busybox\n";

async function exec(text: string, options: Partial<DockerfileOptions> = {}): Promise<ExecOp> {
  return (await lastOp("exec", text, options)).op;
}

describe("RUN", () => {
  test("shell form, exec form, SHELL", async () => {
    expect((await exec(`${F}RUN a   b`)).args).toEqual(["/bin/sh", "-c", "a   b"]);
    expect((await exec(`${F}RUN ["a", "b c"]`)).args).toEqual(["a", "b c"]);
    expect((await exec(`${F}SHELL ["bash", "-ec"]\nRUN a`)).args).toEqual(["bash", "-ec", "a"]);
  });
  test("one here-document is the script itself, tabs stripped when asked for", async () => {
    expect((await exec(`${F}RUN <<-EOF\n\techo a\n\t\techo b\n\tEOF\n`)).args[2]).toBe("echo a\necho b\n");
  });
  test("one with a shebang is a file that is run", async () => {
    const { vertex } = (await build(`${F}RUN <<EOF\n#!/usr/bin/env python\nprint(1)\nEOF\n`)).target;
    expect(vertex.op).toMatchObject({
      args: ["/bin/sh", "-c", "/dev/pipes/EOF"],
      mounts: [{ target: "/" }, { target: "/dev/pipes/", readonly: true, input: 1, output: -1 }],
    });
    const script = vertex.inputs[1]?.vertex;
    expect(script?.name).toBe("[internal] preparing inline document");
    expect(script?.op).toMatchObject({ actions: [{ action: { path: "/EOF", mode: 0o755 } }] });
    expect(vertex.name).toBe("[2/2] RUN <<EOF (#!/usr/bin/env python...)");
  });
  test("several are the shell's to read", async () => {
    const text = `${F}RUN cat <<A 3<<B > x\na\nA\nb\nB\n`;
    expect((await exec(text)).args[2]).toBe("cat <<A 3<<B > x\na\nA\nb\nB");
  });
  test("options of the build, and flags that go before them", async () => {
    const options = {
      network: "none",
      hostname: "h",
      extraHosts: [{ host: "a", ip: "1.2.3.4" }],
      ulimits: [{ name: "nofile", soft: 1, hard: 2 }],
      shmSize: 64,
      cgroupParent: "/x",
    } as const;
    expect(await exec(`${F}RUN a`, options)).toMatchObject({ ...options, insecure: false });
    expect(await exec(`${F}RUN --network=host --security=insecure a`, options)).toMatchObject({
      network: "host",
      insecure: true,
    });
  });
  test("devices are an error, not ignored", async () => {
    expect(await faultOf(`${F}RUN --device=x a`)).toMatch(/^RUN --device is not supported/);
  });
  test("the root is written to, scratch is nothing", async () => {
    expect((await exec(`${F}RUN a`)).mounts[0]).toEqual({
      input: 0,
      selector: "",
      target: "/",
      readonly: false,
      output: 0,
      detail: { type: "bind" },
    });
    expect((await exec("FROM scratch\nRUN a")).mounts[0]?.input).toBe(-1);
  });
});

describe("RUN --mount", () => {
  const mountOf = async (mount: string, before = "") => (await exec(`${F}${before}RUN --mount=${mount} x`)).mounts[1];
  test("bind from the context, a stage, with variables", async () => {
    expect(await mountOf("target=/a")).toMatchObject({
      input: 1,
      selector: "",
      target: "/a",
      readonly: true,
      output: -1,
    });
    expect(await mountOf("source=$d/x,target=y,rw", "ENV d=s\nWORKDIR /w\n")).toMatchObject({
      selector: "/s/x",
      target: "/w/y",
      readonly: false,
    });
    const { vertex } = (await build(`FROM busybox AS a\nRUN q\n${F}RUN --mount=from=a,source=/o,target=/x y`)).target;
    expect(vertex.inputs[1]?.vertex.name).toBe("[a 2/2] RUN q");
  });
  test("cache: by its id or its place, in a namespace", async () => {
    expect(await mountOf("type=cache,target=/c//d/")).toMatchObject({
      input: -1,
      detail: { type: "cache", id: "//c/d/", sharing: "shared", mode: 0o755, uid: 0, gid: 0 },
    });
    const buildArgs = new Map([["BUILDKIT_CACHE_MOUNT_NS", "n"]]);
    const named = await exec(`${F}RUN --mount=type=cache,id=i,target=/c,uid=5,sharing=private x`, { buildArgs });
    expect(named.mounts[1]?.detail).toMatchObject({ id: "n/i", uid: 5, sharing: "private" });
  });
  test("tmpfs", async () => {
    expect(await mountOf("type=tmpfs,target=/t,size=1m")).toMatchObject({
      input: -1,
      detail: { type: "tmpfs", size: 1048576 },
    });
  });
  test("secrets as files and variables, never in a key", async () => {
    expect(await mountOf("type=secret,id=k")).toMatchObject({
      target: "/run/secrets/k",
      readonly: true,
      detail: { type: "secret", id: "k", optional: true, mode: 0o400 },
    });
    expect(await mountOf("type=secret,target=/root/.netrc,required,mode=0440")).toMatchObject({
      target: "/root/.netrc",
      detail: { id: ".netrc", optional: false, mode: 0o440 },
    });
    const { vertex } = (await build(`${F}RUN --mount=type=secret,id=k,env=K echo $K`)).target;
    expect(vertex.op).toMatchObject({ secretEnv: [{ name: "K", id: "k", optional: true }], mounts: [{ target: "/" }] });
    expect(vertex.name).toBe("[2/2] RUN --mount=type=secret,id=k,env=K echo ****");
  });
  test("ssh: the first is the agent", async () => {
    const op = await exec(`${F}RUN --mount=type=ssh --mount=type=ssh,id=b,target=/s x`);
    expect(op.env).toContain("SSH_AUTH_SOCK=/run/buildkit/ssh_agent.0");
    expect(op.mounts.slice(1)).toMatchObject([
      { target: "/run/buildkit/ssh_agent.0", detail: { type: "ssh", id: "default", mode: 0o600 } },
      { target: "/s", detail: { id: "b" } },
    ]);
  });
  test.each([
    ["type=cache,target=/", 'invalid mount target "/"'],
    ["type=cache", 'invalid mount target "/"'],
    ["type=ssh,source=x", "ssh does not support source"],
    ["type=bidn,target=/x", 'unsupported mount type "bidn" (did you mean bind?)'],
  ])("wrong: %s", async (mount, message) => {
    expect(await faultOf(`${F}RUN --mount=${mount} x`)).toBe(message);
  });
});
