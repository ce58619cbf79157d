import { describe, expect, test } from "bun:test";
import { parseFlags } from "./flags.ts";

const values = (...args: string[]) => Object.fromEntries(parseFlags(args, "dockerd").values);
const refusal = (...args: string[]): string => {
  try {
    parseFlags(args, "dockerd");
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`${args.join(" ")} was accepted`);
};

describe("dockerd's ways to write a flag", () => {
  test("--flag value, --flag=value, -X value, -Xvalue, -X=value", () => {
    expect(values("--data-root", "/a")).toEqual({ "data-root": "/a" });
    expect(values("--data-root=/a=b")).toEqual({ "data-root": "/a=b" });
    expect(values("-p", "/x.pid")).toEqual({ pidfile: "/x.pid" });
    expect(values("-p/x.pid")).toEqual({ pidfile: "/x.pid" });
    expect(values("-p=/x.pid")).toEqual({ pidfile: "/x.pid" });
  });

  test("booleans need no value and may have one", () => {
    expect(values("--debug")).toEqual({ debug: true });
    expect(values("--icc=false")).toEqual({ icc: false });
    expect(values("--tls=0")).toEqual({ tls: false });
  });

  test("a cluster of letters", () => {
    expect(values("-Dl", "warn")).toEqual({ debug: true, "log-level": "warn" });
    expect(values("-Dlwarn")).toEqual({ debug: true, "log-level": "warn" });
  });

  test("lists, maps and runtimes add up", () => {
    expect(values("-H", "unix:///a", "-H", "tcp://b:1", "--dns=1.1.1.1", "--dns", "2.2.2.2")).toEqual({
      host: ["unix:///a", "tcp://b:1"],
      dns: ["1.1.1.1", "2.2.2.2"],
    });
    expect(values("--log-opt", "max-size=1m", "--log-opt=max-file=2")).toEqual({
      "log-opt": { "max-size": "1m", "max-file": "2" },
    });
    expect(values("--add-runtime", "kata=/usr/bin/kata", "--add-runtime=x=y")).toEqual({
      "add-runtime": { kata: { path: "/usr/bin/kata", args: [] }, x: { path: "y", args: [] } },
    });
    expect(values("--default-network-opt", "bridge=a=1", "--default-network-opt", "bridge=b=2")).toEqual({
      "default-network-opt": { bridge: { a: "1", b: "2" } },
    });
  });

  test("sizes, ulimits, pools", () => {
    expect(values("--default-shm-size", "64M")).toEqual({ "default-shm-size": 67108864 });
    expect(values("--default-ulimit", "nofile=1024", "--default-ulimit=nproc=10:-1")).toEqual({
      "default-ulimit": [
        { name: "nofile", soft: 1024, hard: 1024 },
        { name: "nproc", soft: 10, hard: -1 },
      ],
    });
    expect(values("--default-address-pool", "base=10.0.0.0/8,size=24")).toEqual({
      "default-address-pool": [{ base: "10.0.0.0/8", size: 24 }],
    });
  });

  test("help, version, validate", () => {
    expect(parseFlags(["--help"], "x").help).toBe(true);
    expect(parseFlags(["-v"], "x").version).toBe(true);
    expect(parseFlags(["-D", "--validate"], "x")).toMatchObject({ validate: true, help: false });
  });
});

describe("what is refused", () => {
  test.each([
    [["--dbug"], "unknown flag: --dbug"],
    [["-Z"], "unknown shorthand flag: 'Z' in -Z"],
    [["--data-root"], "flag needs an argument: --data-root"],
    [["-H"], "flag needs an argument: -H"],
    [["run"], '"dockerd" accepts no arguments, but got "run"'],
    [["--", "x"], '"dockerd" accepts no arguments, but got "--"'],
    [["--mtu", "many"], 'invalid argument "many" for "--mtu" flag: not a whole number'],
    [["--debug=maybe"], 'invalid argument "maybe" for "-D, --debug" flag: not a boolean (true or false)'],
    [["--log-opt", "x"], 'invalid argument "x" for "--log-opt" flag: not key=value'],
    [["--default-ulimit", "nofile"], 'invalid argument "nofile" for "--default-ulimit" flag: not name=soft[:hard]'],
    [
      ["--default-shm-size=lots"],
      'invalid argument "lots" for "--default-shm-size" flag: not a size in bytes, such as 64m',
    ],
    [
      ["--default-ipc-mode=host"],
      'invalid argument "host" for "--default-ipc-mode" flag: must be one of private, shareable',
    ],
  ])("%p", (args, message) => {
    expect(refusal(...args)).toBe(message);
  });

  test("a mistyped flag names the nearest", () => {
    expect(() => parseFlags(["--storage-drive", "erofs"], "dockerd")).toThrow(
      expect.objectContaining({ hint: "did you mean --storage-driver?" }),
    );
  });
});
