// The daemon as a program: its flags, its file, its sockets, TLS, signals, a second one on the same data, systemd.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { certificates } from "../harness/certificates.ts";
import { eachClient, eventually, fails, ok, unique } from "../harness/clients.ts";
import { command, start } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { testWith } from "../harness/needs.ts";

const PROGRAM = resolve(import.meta.dir, "../../dist/hoy");
const hoy = await testDaemon({ config: { labels: ["a=1"], "log-opts": { "max-size": "5m" } } });
const NET = ["--network", "none"];
/** A daemon that ends by itself: with an error, or by --validate. */
const daemon = (...flags: string[]) => command([PROGRAM, "daemon", ...flags]);

describe("one executable", () => {
  test("by the name docker it is the client, by dockerd the daemon", async () => {
    const dist = resolve(PROGRAM, "..");
    expect(await ok(command([join(dist, "docker"), "--host", `unix://${hoy.socket}`, "ps", "-q"]))).toBe("");
    expect(await ok(command([join(dist, "dockerd"), "--version"]))).toMatch(/^hoy version \d+\.\d+\.\d+/);
    expect(await ok(command([PROGRAM, "-d", "--version"]))).toMatch(/^hoy version/);
    expect(await ok(command([join(dist, "dockerd"), "--help"]))).toContain("--data-root string");
  });

  test("the shim is placed in the exec root, executable, named by its hash", () => {
    const [name] = Array.from(new Bun.Glob("hoy-shim-*").scanSync(join(hoy.run, "bin")));
    expect(name).toMatch(/^hoy-shim-[0-9a-f]{16}$/);
    expect(statSync(join(hoy.run, "bin", name ?? "")).mode & 0o777).toBe(0o755);
  });
});

describe("configuration", () => {
  test("bad flags and files: one line that says what and where, exit code 1", async () => {
    await fails(daemon("--dbug"), 1, "hoy daemon: unknown flag: --dbug (did you mean --debug?)\n");
    const file = join(hoy.root, "bad.json");
    writeFileSync(file, '{"log-driverr": "local"}');
    await fails(daemon("--config-file", file), 1, /log-driverr \(did you mean log-driver\?\)/);
    await fails(daemon("--config-file", "/nonesuch.json"), 1, /unable to read the configuration file \/nonesuch\.json/);
    await fails(
      daemon("-H", "tcp://127.0.0.1:0", `--data-root=${hoy.root}/x`, `--exec-root=${hoy.root}/y`),
      1,
      /TCP is opened only with TLS/,
    );
    expect(existsSync(`${hoy.root}/x`)).toBe(false);
    expect(existsSync(`${hoy.root}/y`)).toBe(false);
    await fails(daemon("--metrics-addr=:1"), 1, /not there yet/);
  });

  test("--validate checks and ends", async () => {
    expect(await ok(daemon("--validate", "--config-file", join(hoy.root, "daemon.json")))).toBe("configuration OK");
    await fails(daemon("--validate", "--bip=x"), 1, /CIDR/);
  });

  test("what has no effect is in the log", async () => {
    const other = await testDaemon({ flags: ["--containerd=/run/containerd/containerd.sock"], images: [] });
    expect(other.daemonLog()).toContain(
      'level=warning msg="--containerd has no effect: there is no containerd beneath hoy"',
    );
  });

  eachClient(hoy, "is what info shows, and defaults of containers", async (client) => {
    expect(await ok(client("info", "--format", "{{json .Labels}} {{.DockerRootDir}} {{.LoggingDriver}}"))).toBe(
      `["a=1"] ${hoy.data} json-file`,
    );
    const name = unique();
    await ok(client("create", "--name", name, ...NET, "busybox"));
    expect(await ok(client("inspect", "--format", "{{json .HostConfig.LogConfig.Config}}", name))).toContain(
      '"max-size":"5m"',
    );
    await ok(client("rm", name));
  });

  test("SIGHUP reloads what can be, and names what can't", async () => {
    const file = join(hoy.root, "daemon.json");
    const before = readFileSync(file, "utf8");
    writeFileSync(file, JSON.stringify({ labels: ["b=2"], "log-opts": { "max-size": "5m" }, debug: true, mtu: 9000 }));
    hoy.signal("SIGHUP");
    await eventually(
      async () => (await ok(hoy.hoy("info", "--format", "{{json .Labels}} {{.Debug}}"))) === '["b=2"] true',
      "the new labels",
    );
    expect(hoy.daemonLog()).toContain("option=mtu");
    writeFileSync(file, "{");
    hoy.signal("SIGHUP");
    await eventually(async () => hoy.daemonLog().includes("was not reloaded"), "the bad file is refused");
    writeFileSync(file, before);
    hoy.signal("SIGHUP");
    await eventually(
      async () => (await ok(hoy.hoy("info", "--format", "{{json .Labels}}"))) === '["a=1"]',
      "the old labels again",
    );
  });
});

describe("where it keeps things", () => {
  test("rights of roots, socket, database and pidfile", () => {
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect(mode(hoy.data)).toBe(0o711);
    expect(mode(hoy.run)).toBe(0o711);
    expect(mode(hoy.socket)).toBe(0o660);
    expect(mode(join(hoy.data, "hoy.db"))).toBe(0o600);
    expect(readFileSync(join(hoy.run, "hoy.pid"), "utf8")).toBe(`${hoy.pid}\n`);
  });

  test("a second daemon on the same data refuses and names the first", async () => {
    const flags = [
      `--data-root=${hoy.data}`,
      `--exec-root=${hoy.root}/other`,
      `--host=unix://${hoy.root}/other.sock`,
      "--group=",
    ];
    await fails(daemon(...flags), 1, new RegExp(`${hoy.pid}`));
    await fails(daemon(...hoy.flags), 1, `process with PID ${hoy.pid} is still running`);
    expect(await ok(hoy.hoy("ps", "-q"))).toBe("");
    expect(existsSync(join(hoy.root, "other.sock"))).toBe(false);
  });

  test("SIGTERM removes socket and pidfile, ends with 0, and waits for no listener", async () => {
    const listener = hoy.hoy.start("events");
    expect(await hoy.down()).toBe(0);
    expect(existsSync(hoy.socket)).toBe(false);
    expect(existsSync(join(hoy.run, "hoy.pid"))).toBe(false);
    await listener.exited;
    await hoy.up();
  });
});

describe("TCP", () => {
  testWith("openssl", "TLS with client certificates: in with one, out without, or with a stranger's", async () => {
    const dir = await certificates();
    const tls = [
      "--tlsverify",
      `--tlscacert=${dir}/ca.pem`,
      `--tlscert=${dir}/server.pem`,
      `--tlskey=${dir}/server.key`,
    ];
    const other = await testDaemon({ flags: ["-H", "tcp://127.0.0.1:0", ...tls], images: [] });
    const port = /address="?tcp:\/\/127\.0\.0\.1:(\d+)/.exec(other.daemonLog())?.[1];
    for (const { program } of hoy.clients) {
      const through = (cert: string, ...more: string[]) =>
        command(
          [
            ...other.inside,
            program === "hoy" ? PROGRAM : program,
            "--host",
            `tcp://127.0.0.1:${port}`,
            "--tlsverify",
            `--tlscacert=${dir}/ca.pem`,
            `--tlscert=${dir}/${cert}.pem`,
            `--tlskey=${dir}/${cert}.key`,
            ...more,
          ],
          { env: { HOME: join(hoy.root, "home") } },
        );
      expect(await ok(through("client", "info", "--format", "{{.DockerRootDir}}"))).toBe(other.data);
      expect((await through("stranger", "ps")).code).toBe(1);
    }
    expect(
      await ok(
        command([...other.inside, "curl", "-ksS", `https://127.0.0.1:${port}/_ping`]).then((result) => ({
          ...result,
          code: result.code === 0 ? 1 : 0,
        })),
      ),
    ).toBe("");
  });

  test("without TLS only after --tls=false, with a warning", async () => {
    const other = await testDaemon({ flags: ["-H", "tcp://127.0.0.1:0", "--tls=false"], images: [] });
    const port = /address="?tcp:\/\/127\.0\.0\.1:(\d+)/.exec(other.daemonLog())?.[1];
    expect(other.daemonLog()).toMatch(/level=warning msg="[^"]*without TLS/);
    for (const { program } of hoy.clients) {
      expect(
        await ok(
          command([
            ...other.inside,
            program === "hoy" ? PROGRAM : program,
            "--host",
            `tcp://127.0.0.1:${port}`,
            "ps",
            "-q",
          ]),
        ),
      ).toBe("");
    }
  });
});

describe("systemd", () => {
  test("READY=1, RELOADING=1 and STOPPING=1 by the notify socket; a passed socket is served", async () => {
    const dir = join(hoy.root, "activation");
    // In a network namespace of its own: its bridge and rules end with it.
    const manager = start(["unshare", "--net", "--", "python3", "-c", MANAGER, dir, PROGRAM]);
    await manager.until(/^READY=1$/m);
    expect(await ok(command([PROGRAM, "--host", `unix://${dir}/api.sock`, "ps", "-q"]))).toBe("");
    manager.write("stop\n");
    await manager.until(/^STOPPING=1$/m);
    expect(await manager.exited).toBe(0);
    expect(existsSync(`${dir}/api.sock`)).toBe(true); // the unit's, not ours to remove
  });
});

/** A service manager in small: a notify socket, a listening socket passed as fd 3, and the daemon as a child. */
const MANAGER = `
import os, socket, subprocess, sys, threading
folder, program = sys.argv[1:]
os.makedirs(folder)
os.chmod(folder, 0o711)
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.bind(folder + "/notify")
api = socket.socket(socket.AF_UNIX)
api.bind(folder + "/api.sock")
api.listen(10)
def child():
    os.dup2(api.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=folder + "/notify")
    os.execv(program, [program, "daemon", "-H", "fd://", "--data-root", folder + "/data", "--exec-root", folder + "/run", "--group="])
pid = os.fork()
if pid == 0:
    child()
def listen():
    while True:
        print(notify.recv(1000).decode(), flush=True)
threading.Thread(target=listen, daemon=True).start()
sys.stdin.readline()
os.kill(pid, 15)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.flush()
os._exit(status)
`;
