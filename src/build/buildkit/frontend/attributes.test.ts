// Attributes of builds, as buildx writes them.

import { expect, test } from "bun:test";
import { HoyError } from "../../../base/error.ts";
import { readAttributes } from "./attributes.ts";

const failure = (attrs: Record<string, string>) => {
  try {
    readAttributes(attrs);
    return "";
  } catch (thrown) {
    return thrown instanceof HoyError ? `${thrown.code}: ${thrown.message}` : `unexpected ${String(thrown)}`;
  }
};

test("everything that a client can say arrives", () => {
  const { options, platforms, multiPlatform, limits } = readAttributes({
    target: "t",
    platform: "linux/amd64,linux/arm64",
    "build-arg:A": "1",
    "build-arg:BUILDKIT_SANDBOX_HOSTNAME": "box",
    "label:l": "v",
    "no-cache": "",
    "image-resolve-mode": "pull",
    "force-network-mode": "none",
    "add-hosts": "a=10.0.0.1,b=::1",
    "shm-size": "1024",
    ulimit: "nofile=10:20,nproc=5",
    "cgroup-parent": "/x",
    memory: "100000000",
    "attest:provenance": "mode=min,inline-only=true",
    filename: "Dockerfile",
    "vcs:revision": "abc",
    "local-sessionid:context": "id",
  });
  expect(options).toMatchObject({
    target: "t",
    noCache: true,
    pullMode: "pull",
    network: "none",
    hostname: "box",
    extraHosts: [
      { host: "a", ip: "10.0.0.1" },
      { host: "b", ip: "::1" },
    ],
    shmSize: 1024,
    ulimits: [
      { name: "nofile", soft: 10, hard: 20 },
      { name: "nproc", soft: 5, hard: 5 },
    ],
    cgroupParent: "/x",
  });
  expect(options.buildArgs.get("A")).toBe("1");
  expect(options.labels.get("l")).toBe("v");
  expect(platforms?.map(({ architecture }) => architecture)).toEqual(["amd64", "arm64"]);
  expect(multiPlatform).toBe(true);
  expect(limits?.resources).toEqual({ Memory: 100_000_000 });
});

test("nothing said is nothing asked", () => {
  const { options, platforms, limits } = readAttributes({});
  expect({ noCache: options.noCache, pullMode: options.pullMode, platforms, limits }).toEqual({
    noCache: false,
    pullMode: "default",
    platforms: undefined,
    limits: undefined,
  });
  expect(readAttributes({ "no-cache": "a,b" }).options.noCache).toEqual(["a", "b"]);
});

test("a network of the engine's own, and what is dropped of the base", () => {
  const read = readAttributes({ "force-network-mode": "backend", unset: 'VOLUME /a b,"ENV ""x"" y"' });
  expect(read.options.network).toBe("sandbox");
  expect(read.limits).toEqual({ network: "backend", resources: {} });
  expect(read.options.unset).toEqual(["VOLUME", "/a", "b", "ENV", '"x"', "y"]);
});

for (const [attrs, error] of [
  [{ "image-resolve-mode": "x" }, "invalid: invalid image-resolve-mode"],
  [{ ulimit: "nofile" }, "invalid: invalid ulimit argument"],
  [{ "shm-size": "1g" }, "invalid: failed to parse shm size"],
  [{ "add-hosts": "a" }, "invalid: invalid key-value pair"],
  [{ "multi-platform": "perhaps" }, "invalid: invalid boolean"],
  [{ "something-new": "1" }, 'not-implemented: the attribute "something-new"'],
] as const) {
  test(`${JSON.stringify(attrs)} is refused`, () => expect(failure(attrs)).toStartWith(error));
}
