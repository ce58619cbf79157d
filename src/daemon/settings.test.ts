import { describe, expect, test } from "bun:test";
import { mergeConfig } from "./config.ts";
import { parseConfig } from "./file.ts";
import { parseFlags } from "./flags.ts";
import { daemonSettings, engineSettings } from "./settings.ts";

const config = (args: string[], file: object = {}) =>
  mergeConfig(parseFlags(args, "dockerd"), parseConfig(JSON.stringify(file)), "/etc/hoy/daemon.json");
const engine = (...args: string[]) => engineSettings(config(args), "/shim");
const daemon = (...args: string[]) => daemonSettings(config(args));

describe("the daemon's own settings", () => {
  test("defaults: one unix socket and the pidfile in the exec root", () => {
    expect(daemon()).toMatchObject({ group: "hoy", groupGiven: false, pidfile: "/run/hoy/hoy.pid", plainTcp: false });
    expect(daemon().hosts).toEqual([{ kind: "unix", text: "unix:///run/hoy/hoy.sock", path: "/run/hoy/hoy.sock" }]);
    expect(daemon("--exec-root=/tmp/x/").hosts[0]?.text).toBe("unix:///tmp/x/hoy.sock");
  });

  test("--tlsverify implies TLS; --tls=false is plain only when said", () => {
    expect(daemon("--tlsverify").tls?.verify).toBe(true);
    expect(daemon("--tls").tls).toMatchObject({ verify: false, cert: "/etc/hoy/tls/cert.pem" });
    expect(daemon("--tls=false")).toMatchObject({ tls: undefined, plainTcp: true });
    expect(daemon()).toMatchObject({ tls: undefined, plainTcp: false });
    expect(() => daemon("--tlscert=/x")).toThrow("needs --tls or --tlsverify");
  });

  test("--debug is a log level", () => {
    expect(daemon("-D").logLevel).toBe("debug");
    expect(daemon("-l", "error").logLevel).toBe("error");
  });

  test("proxies by flag or file", () => {
    expect(daemon("--http-proxy=http://p:1").proxies.HTTP_PROXY).toBe("http://p:1");
    const settings = daemonSettings(config([], { proxies: { "no-proxy": "a,b" } }));
    expect(settings.proxies).toEqual({ HTTP_PROXY: undefined, HTTPS_PROXY: undefined, NO_PROXY: "a,b" });
    expect(() => daemonSettings(config([], { proxies: { "ftp-proxy": "x" } }))).toThrow('unknown key "ftp-proxy"');
  });
});

describe("the engine's settings", () => {
  test("storage-opt: a size; what old files of dockerd's have besides is passed over; the rest is refused", () => {
    expect(engine().containerSize).toBeUndefined();
    expect(engine("--storage-opt=overlay2.override_kernel_check=true", "--storage-opt=size=1g").containerSize).toBe(
      2 ** 30,
    );
    expect(() => engine("--storage-opt=dm.basesize=20G")).toThrow("unknown option dm.basesize=20G: only size");
    expect(() => engine("--storage-opt=size=much")).toThrow("invalid size: 'much'");
  });

  test("defaults", () => {
    expect(engine()).toMatchObject({
      paths: { data: "/var/lib/hoy", run: "/run/hoy" },
      shim: "/shim",
      defaultRuntime: "crun",
      storageDriver: undefined,
      userNamespaces: { enabled: true, user: "hoy", group: "hoy" },
      log: { driver: "json-file", options: {} },
      seccompProfile: "builtin",
      shmSize: 67108864,
      ipcMode: "private",
      cgroupNamespace: "private",
    });
  });

  test("runtimes: crun and runc are always there; the default must exist", () => {
    expect(Object.keys(engine("--add-runtime=kata=/k").runtimes)).toEqual(["crun", "runc", "kata"]);
    expect(engine("--add-runtime=kata=/k", "--default-runtime=kata").defaultRuntime).toBe("kata");
    expect(() => engine("--default-runtime=nope")).toThrow("specified default runtime 'nope' does not exist");
    expect(() => engine("--add-runtime=../x=/k")).toThrow("is not a name");
  });

  test("user namespaces: whose ids, or none", () => {
    expect(engine("--userns-remap=host").userNamespaces.enabled).toBe(false);
    expect(engine("--userns-remap=alice:staff").userNamespaces).toEqual({
      enabled: true,
      user: "alice",
      group: "staff",
    });
    expect(engine("--userns-remap=alice").userNamespaces.group).toBe("alice");
  });

  test("Docker's name for the overlay driver", () => {
    expect(engine("-s", "overlay2").storageDriver).toBe("overlay");
    expect(engine("-s", "erofs").storageDriver).toBe("erofs");
  });

  test.each([
    [["--bip=10.0.0.1"], "is not in CIDR form"],
    [["--bip=10.0.0.1/33"], "is not in CIDR form"],
    [["--dns=nine"], "is not an IP address"],
    [["--label=x"], "bad attribute format: x"],
    [["--label=a=1", "--label=a=2"], "conflict labels for a=2 and a=1"],
    [["--registry-mirror=ftp://x"], "must use either 'https://' or 'http://'"],
    [["--registry-mirror=x"], "is not a URL"],
    [["--registry-mirror=https://a:b@x"], 'username/password not allowed in URI "https://a:xxxxx@x/"'],
    [["--data-root=relative"], "is not an absolute path"],
    [["--mtu=-1"], "must be a number of at least 0"],
    [["--exec-opt=native.cgroupdriver=systemd"], "only native.cgroupdriver=cgroupfs"],
    [["--default-address-pool=base=10.0.0.0/24,size=16"], "size 16 is larger than the pool"],
    [["--bridge=br0", "--bip=10.0.0.1/24"], "can't be given together"],
  ])("%p is refused", (args, message) => {
    expect(() => engine(...args)).toThrow(message);
  });

  test("a mirror is a URL with a slash at its end", () => {
    expect(engine("--registry-mirror=https://m.example").registry.mirrors).toEqual(["https://m.example/"]);
    for (const scoped of ["quay.io=https://m.example/", "*=http://m.example/x/", "peer+http://10.0.0.2:5001/"])
      expect(engine(`--registry-mirror=${scoped}`).registry.mirrors).toEqual([scoped]);
  });
});
