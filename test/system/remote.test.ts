// An engine on another machine: TLS with client certificates, contexts and DOCKER_HOST, from one network namespace to
// another; and ssh:// by dial-stdio, with a program in ssh's place that only runs the command.

import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { certificates } from "../harness/certificates.ts";
import { fails, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { describeWith, have } from "../harness/needs.ts";
import { HOST, Outside } from "../harness/outside.ts";

const PROGRAM = resolve(import.meta.dir, "../../dist/hoy");
const PORT = "2376";
const clients = have.docker ? ["docker", PROGRAM] : [PROGRAM];
const pki = await certificates([HOST.v4]);
const hoy = await testDaemon({
  flags: [
    "-H",
    `tcp://0.0.0.0:${PORT}`,
    "--tlsverify",
    `--tlscacert=${pki}/ca.pem`,
    `--tlscert=${pki}/server.pem`,
    `--tlskey=${pki}/server.key`,
  ],
});

const world = await Outside.link(hoy);

describeWith("openssl", "over TLS, from another machine", () => {
  const env = (more: readonly string[]) => ["env", `HOME=${join(hoy.root, "home")}`, ...more];
  const secure = (cert: string) => [
    "--tlsverify",
    `--tlscacert=${pki}/ca.pem`,
    `--tlscert=${pki}/${cert}.pem`,
    `--tlskey=${pki}/${cert}.key`,
  ];

  for (const program of clients) {
    const name = program === PROGRAM ? "hoy" : "docker";
    const remote = (...args: string[]) =>
      world.run(...env([]), program, "--host", `tcp://${HOST.v4}:${PORT}`, ...secure("client"), ...args);

    test(`${name}: runs, streams and copies as at home`, async () => {
      const run = await remote(
        "run",
        "--rm",
        "--network",
        "none",
        "busybox",
        "sh",
        "-c",
        "echo out; echo err >&2; exit 3",
      );
      expect(run).toEqual({ code: 3, stdout: "out\n", stderr: "err\n" });
      const container = unique();
      await ok(remote("run", "-d", "--name", container, "--network", "none", "busybox", "sleep", "100"));
      expect(await ok(remote("exec", container, "echo", "there"))).toBe("there");
      const file = join(hoy.root, container);
      await ok(remote("cp", `${container}:/etc/passwd`, file));
      expect(await Bun.file(file).text()).toContain("root:x:0:0");
      await ok(remote("rm", "-f", container));
    });

    test(`${name}: no certificate, or a stranger's, is refused`, async () => {
      const at = ["--host", `tcp://${HOST.v4}:${PORT}`];
      for (const how of [secure("stranger"), ["--tlsverify", `--tlscacert=${pki}/ca.pem`], []]) {
        await fails(world.run(...env([]), program, ...at, ...how, "ps"), 1, /certificate|connect|HTTP|TLS/i);
      }
    });

    test(`${name}: by DOCKER_HOST and DOCKER_CERT_PATH, and by a context`, async () => {
      const folder = join(hoy.root, unique("certs"));
      mkdirSync(folder);
      await ok(
        command([
          "sh",
          "-c",
          `cp ${pki}/ca.pem ${folder}/; cp ${pki}/client.pem ${folder}/cert.pem; cp ${pki}/client.key ${folder}/key.pem`,
        ]),
      );
      const variables = [`DOCKER_HOST=tcp://${HOST.v4}:${PORT}`, "DOCKER_TLS_VERIFY=1", `DOCKER_CERT_PATH=${folder}`];
      expect(await ok(world.run(...env(variables), program, "info", "--format", "{{.DockerRootDir}}"))).toBe(hoy.data);
      const context = unique("ctx");
      const endpoint = `host=tcp://${HOST.v4}:${PORT},ca=${folder}/ca.pem,cert=${folder}/cert.pem,key=${folder}/key.pem`;
      await ok(world.run(...env([]), program, "context", "create", context, "--docker", endpoint));
      expect(
        await ok(world.run(...env([]), program, "--context", context, "info", "--format", "{{.DockerRootDir}}")),
      ).toBe(hoy.data);
      await ok(world.run(...env([]), program, "context", "rm", context));
    });
  }

  test("plain HTTP on the TLS port is not answered", async () => {
    expect((await world.run("python3", "-c", PLAIN, HOST.v4, PORT)).stdout).not.toContain("200");
  });
});

/** What a plain HTTP client is told, if anything. */
const PLAIN = `
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
s.sendall(b"GET /_ping HTTP/1.0\\r\\n\\r\\n")
try:
    print(s.recv(100))
except OSError as error:
    print(type(error))
`;

describeWith("openssl", "image copy", () => {
  test("between an engine on another machine and a layout here, by its certificates", async () => {
    const tls = ["--tlsverify", `--tlscacert=${pki}/ca.pem`];
    const own = [...tls, `--tlscert=${pki}/client.pem`, `--tlskey=${pki}/client.key`];
    const copy = (flags: readonly string[], ...places: string[]) =>
      world.run("env", `HOME=${join(hoy.root, "home")}`, PROGRAM, ...flags, "image", "copy", ...places);
    const [layout, name] = [join(hoy.root, unique("layout")), `${unique("copied")}:v1`];
    const far = `hoy://${HOST.v4}:${PORT}`;
    await fails(copy(tls, `${far}/busybox`, `oci:${layout}:v1`), 1, /tls|certificate|handshake/i);
    await ok(copy(own, `${far}/busybox`, `oci:${layout}:v1`));
    await ok(copy(own, `oci:${layout}:v1`, `${far}/${name}`));
    const id = (image: string) => ok(hoy.hoy("inspect", "-f", "{{.Id}}", image));
    expect(await id(name)).toBe(await id("busybox"));
    await fails(copy(own, `${far}/nosuch:v1`, `oci:${layout}:v2`), 1, /nosuch/);
    await ok(hoy.hoy("rmi", name));
  });
});

describe("over ssh", () => {
  const bin = join(hoy.root, "bin");
  beforeAll(() => {
    mkdirSync(bin);
    // ssh [options] [--] HOST COMMAND...: the far side is this machine, its engine the one of this test.
    writeFileSync(
      join(bin, "ssh"),
      `#!/bin/sh\nwhile [ "$1" != -- ] && [ "$1" != far ]; do shift; done\n[ "$1" = -- ] && shift\nshift\nexport DOCKER_HOST=unix://${hoy.socket}\nexec sh -c "$*"\n`,
    );
    writeFileSync(join(bin, "docker"), `#!/bin/sh\nexec ${PROGRAM} "$@"\n`);
    for (const name of ["ssh", "docker"]) chmodSync(join(bin, name), 0o755);
  });

  for (const program of clients) {
    test(`${program === PROGRAM ? "hoy" : "docker"}: the client runs dial-stdio on the far side`, async () => {
      const path = Bun.which(program) ?? program;
      const env = { PATH: `${bin}:${process.env.PATH}`, DOCKER_CONFIG: join(hoy.root, "home/.docker") };
      const ssh = (...args: string[]) => command([path, "--host", "ssh://far", ...args], { env });
      expect(await ok(ssh("info", "--format", "{{.DockerRootDir}}"))).toBe(hoy.data);
      const run = await command(
        [path, "--host", "ssh://far", "run", "--rm", "-i", "--network", "none", "busybox", "cat"],
        { env, input: "through ssh" },
      );
      expect(run).toEqual({ code: 0, stdout: "through ssh", stderr: "" });
      await fails(ssh("inspect", "nonesuch"), 1, /[Nn]o such object/);
    });
  }
});
