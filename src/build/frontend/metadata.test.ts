// What instructions say of the image: its config and its history.

import { describe, expect, test } from "bun:test";
import type { DockerfileOptions, DockerfileResult } from "./options.ts";
import { build, faultOf, history, names } from "./testing/fake-solver.ts";

const F = "FROM busybox\n";

async function config(
  text: string,
  options: Partial<DockerfileOptions> = {},
): Promise<DockerfileResult["config"]["config"]> {
  return (await build(text, options)).config.config;
}

describe("config", () => {
  test("ENV: in place, all at once, quotes and spaces", async () => {
    expect((await config(`${F}ENV a=1 b="x y" c=$a\nENV a=2 d=$a`))?.Env).toEqual([
      "PATH=/bin",
      "a=2",
      "b=x y",
      "c=",
      "d=1",
    ]);
    expect((await config("FROM scratch\nENV a b c"))?.Env?.[1]).toBe("a=b c");
  });
  test("PATH is always there", async () => {
    expect((await config("FROM scratch\nCMD x"))?.Env).toEqual([
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ]);
  });
  test("ENTRYPOINT drops an inherited CMD, and not the file's own", async () => {
    expect(await config(`${F}ENTRYPOINT ["e"]`)).toMatchObject({ Entrypoint: ["e"], Cmd: undefined });
    expect(await config(`${F}CMD ["c"]\nENTRYPOINT ["e"]`)).toMatchObject({ Entrypoint: ["e"], Cmd: ["c"] });
    expect(await config(`${F}ENTRYPOINT e f`)).toMatchObject({ Entrypoint: ["/bin/sh", "-c", "e f"] });
    expect(await config(`${F}ENTRYPOINT []`)).toMatchObject({ Entrypoint: undefined });
  });
  test("WORKDIR: relative, absolute, made by the user; USER", async () => {
    const { op } = (await build(`${F}USER 5:6\nWORKDIR /a\nWORKDIR b`)).target.vertex;
    expect(op).toMatchObject({
      actions: [
        { action: { type: "directory", path: "/a/b", mode: 0o755, parents: true, owner: { user: 5, group: 6 } } },
      ],
    });
    expect(await config(`${F}WORKDIR /a\nWORKDIR ../c`)).toMatchObject({ WorkingDir: "/c" });
    expect(names(await build(`${F}WORKDIR /`))).toHaveLength(1);
  });
  test("LABEL, of the file and of the build", async () => {
    const labels = new Map([["b", "3"]]);
    expect((await config(`${F}LABEL a=1 b=2`, { labels }))?.Labels).toEqual({ a: "1", b: "3" });
  });
  test("EXPOSE: ranges, protocols, variables with several words", async () => {
    const text = `${F}ENV p="80 443/udp"\nEXPOSE $p 8000-8002/TCP 127.0.0.1:90:91`;
    expect(Object.keys((await config(text))?.ExposedPorts ?? {})).toEqual([
      "80/tcp",
      "443/udp",
      "91/tcp",
      "8000/tcp",
      "8001/tcp",
      "8002/tcp",
    ]);
    expect(await faultOf(`${F}EXPOSE 70000`)).toBe("invalid containerPort: 70000");
    expect(await faultOf(`${F}EXPOSE 80/icmp`)).toBe('invalid port: "80/icmp": invalid proto: icmp');
    expect(await faultOf(`${F}EXPOSE /tcp`)).toBe('invalid port: "/tcp": no port specified');
    expect(await faultOf(`${F}EXPOSE 1:2-3:4`)).toMatch(/^invalid/);
    expect(await faultOf(`${F}EXPOSE x.y:1:2`)).toBe("invalid IP address: x.y");
  });
  test("VOLUME, STOPSIGNAL, SHELL, HEALTHCHECK, MAINTAINER", async () => {
    const result = await build(
      `${F}VOLUME /a $x/b\nSTOPSIGNAL SIGINT\nSHELL ["s"]\nHEALTHCHECK --interval=90s CMD x\nMAINTAINER me`,
    );
    expect(result.config.author).toBe("me");
    expect(result.config.config).toMatchObject({
      Volumes: { "/a": {}, "/b": {} },
      StopSignal: "SIGINT",
      Shell: ["s"],
      Healthcheck: { Test: ["CMD-SHELL", "x"], Interval: 90e9 },
    });
    expect(await faultOf(`${F}STOPSIGNAL SIGNOPE`)).toMatch(/invalid signal: SIGNOPE/i);
  });
  test("the base's config is kept, its creation date is not", async () => {
    const images = {
      "busybox:latest": {
        config: { User: "u", Volumes: { "/v": {} }, Labels: { a: "1" }, ExposedPorts: { "1/tcp": {} } },
      },
    };
    const result = await build(`${F}LABEL b=2`, {}, images);
    expect(result.config.config).toMatchObject({ User: "u", Volumes: { "/v": {} }, Labels: { a: "1", b: "2" } });
    expect(result.config.created).toBeUndefined();
    expect(result.history.map(({ entry }) => entry.created_by)).toEqual(["base", "LABEL b=2"]);
  });
  test("what the base brought can be dropped", async () => {
    const images = {
      "busybox:latest": {
        config: { Env: ["PATH=/x", "A=1"], Volumes: { "/v": {} }, Labels: { a: "1" }, ExposedPorts: { "1/tcp": {} } },
      },
    };
    const some = await build(`# hoy: unset VOLUME EXPOSE\n${F}VOLUME /own`, {}, images);
    expect(some.config.config).toMatchObject({ Volumes: { "/own": {} }, ExposedPorts: undefined, Labels: { a: "1" } });
    const all = await build(F, { unset: ["env", "LABEL"] }, images);
    expect(all.config.config?.Labels).toBeUndefined();
    expect(all.config.config?.Env).toEqual(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]);
    await expect(build(F, { unset: ["VOLUMES"] }, images)).rejects.toThrow('unset: unknown kind "VOLUMES"');
  });
  test("of what the base brought single ones can be dropped, and what a command sees is without them", async () => {
    const config = {
      Env: ["PATH=/x", "A=1", "B=2"],
      Volumes: { "/v": {}, "/w": {} },
      Labels: { a: "1" },
      ExposedPorts: { "80/tcp": {}, "80/udp": {} },
    };
    const images = { "busybox:latest": { config } };
    const text = `# hoy: unset VOLUME /v, ENV A missing\n# hoy: unset expose 80 LABEL a\n${F}RUN true\n`;
    const result = await build(text, {}, images);
    expect(result.config.config).toMatchObject({
      Env: ["PATH=/x", "B=2"],
      Volumes: { "/w": {} },
      ExposedPorts: { "80/udp": {} },
      Labels: undefined,
    });
    const { op } = result.target.vertex;
    expect(op.kind === "exec" ? op.env : []).toEqual(["PATH=/x", "B=2"]);
    const later = await build(`# hoy: unset VOLUME\nFROM busybox AS a\nVOLUME /own\nFROM a\n`, {}, images);
    expect(later.config.config?.Volumes).toEqual({ "/own": {} });
  });
  test("the platform asked for is the image's", async () => {
    const platform = { os: "linux", architecture: "arm64" };
    expect((await build("FROM scratch\nCMD x", { platform })).config).toMatchObject({
      architecture: "arm64",
      variant: undefined,
    });
  });
});

test("history, as Go prints it", async () => {
  const text = `${F}CMD ["a", "b\\"c"]\nENTRYPOINT e\nSHELL ["x", "-c"]\nHEALTHCHECK --interval=90s --retries=2 CMD c\nVOLUME a b\nEXPOSE 80\nARG a b=1\nCOPY --chown=1 x <<EOF /y/\nEOF\nRUN r`;
  expect(history(await build(text))).toEqual([
    'CMD ["a" "b\\"c"]',
    'ENTRYPOINT ["/bin/sh" "-c" "e"]',
    "SHELL [x -c]",
    "HEALTHCHECK {Test:[CMD-SHELL c] Interval:1m30s Timeout:0s StartPeriod:0s StartInterval:0s Retries:2}",
    "VOLUME [a b]",
    "EXPOSE [80/tcp]",
    "ARG a b=1",
    "COPY --chown=1 x <<EOF /y/ # buildkit",
    "RUN |2 a= b=1 x -c r # buildkit",
  ]);
});

test("entries that made files know their tree; the others say they did not", async () => {
  const result = await build(`${F}RUN a\nCMD b\nWORKDIR /c`);
  const own = result.history.slice(1);
  expect(own.map(({ entry }) => entry.empty_layer ?? false)).toEqual([false, true, false]);
  expect(own.map(({ made }) => made?.vertex.name)).toEqual(["[2/3] RUN a", undefined, "[3/3] WORKDIR /c"]);
});

test("a source date is the date of all that is made", async () => {
  const buildArgs = new Map([["SOURCE_DATE_EPOCH", "1700000000"]]);
  const result = await build(`${F}WORKDIR /a`, { buildArgs });
  expect(result.sourceDateEpoch).toBe(1_700_000_000);
  expect(result.history.at(-1)?.entry.created).toBe("2023-11-14T22:13:20Z");
  expect(result.target.vertex.op).toMatchObject({ actions: [{ action: { created: 1_700_000_000 } }] });
  await expect(build(F, { buildArgs: new Map([["SOURCE_DATE_EPOCH", "soon"]]) })).rejects.toThrow(
    "invalid SOURCE_DATE_EPOCH: soon",
  );
});

test("FROM scratch alone is a tree too", async () => {
  expect((await build("FROM scratch")).target.vertex.op).toEqual({ kind: "source", type: "scratch" });
});
