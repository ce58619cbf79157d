// An agent of OpenSSH's own, lent to a step: what it holds is listed and signs inside of the build, and nothing of it stays.

import { expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { buildxOf, contextIn, withoutBuildx } from "../harness/buildx.ts";
import { eventually } from "../harness/clients.ts";
import { command, type Result, start } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";

const programs = ["ssh-agent", "ssh-add", "ssh-keygen"].map((name) => Bun.which(name));

if (programs.includes(null)) {
  test.skip("builds with an ssh agent (skipped: no openssh-client)", () => undefined);
} else {
  const hoy = await testDaemon();
  const [agentProgram = "", add = "", keygen = ""] = programs.map(String);
  const agent = join(hoy.root, "agent.sock");
  const key = join(hoy.root, "key");
  const running = start([agentProgram, "-D", "-a", agent], {});
  hoy.beforeClose.push(async () => {
    running.kill("SIGTERM");
    await running.exited;
  });
  const must = async (argv: readonly string[]) => {
    const { code, stderr } = await command(argv, { env: { SSH_AUTH_SOCK: agent } });
    if (code !== 0) throw new Error(stderr);
  };
  await must([keygen, "-q", "-t", "ed25519", "-N", "", "-C", "a key of the test", "-f", key]);
  await eventually(
    async () => (await command([add, key], { env: { SSH_AUTH_SOCK: agent } })).code === 0,
    "the agent has the key",
  );

  /** ssh-add with what it is linked to, as the machine has it. */
  const withTools = (dockerfile: string): string => {
    const dir = contextIn(hoy, dockerfile, { "key.pub": readFileSync(`${key}.pub`, "utf8") });
    const linked = Bun.spawnSync(["ldd", add]).stdout.toString().match(/\/\S+/g) ?? [];
    for (const path of [add, ...linked]) {
      const to = join(dir, "root", path);
      mkdirSync(dirname(to), { recursive: true });
      copyFileSync(path, to);
    }
    writeFileSync(join(dir, "root/.here"), "");
    return dir;
  };
  const DOCKERFILE = `FROM busybox
COPY root /
COPY key.pub /
RUN --mount=type=ssh ssh-add -l && ssh-add -T /key.pub
RUN test -z "$SSH_AUTH_SOCK" && ! ls /run/buildkit
`.replaceAll("ssh-add", add);

  const buildx = withoutBuildx === "" ? buildxOf(hoy) : undefined;
  const builders: Record<string, (...args: string[]) => Promise<Result>> = {
    hoy: (...args) => hoy.hoy("build", "--network", "none", "--progress", "plain", ...args),
    ...(buildx === undefined ? {} : { buildx: (...args) => buildx("build", "--network", "none", ...args) }),
  };
  for (const [program, build] of Object.entries(builders)) {
    test(`${program}: the agent's key is listed and signs in a step, and is gone after it`, async () => {
      const { code, stdout, stderr } = await build("--no-cache", "--ssh", `default=${agent}`, withTools(DOCKERFILE));
      expect({ code, output: code === 0 ? "" : stdout + stderr }).toEqual({ code: 0, output: "" });
      expect(stdout + stderr).toContain("a key of the test (ED25519)");
    }, 60_000);
  }

  test("hoy: private keys of files, in OpenSSH's form and in PEM, of three kinds", async () => {
    const kinds = [
      ["ed25519", "-t", "ed25519"],
      ["rsa", "-t", "rsa", "-b", "2048"],
      ["rsa-pem", "-t", "rsa", "-b", "2048", "-m", "PEM"],
      ["ecdsa", "-t", "ecdsa", "-b", "256"],
      ["ecdsa-pkcs8", "-t", "ecdsa", "-b", "521", "-m", "PKCS8"],
    ] as const;
    const paths: string[] = [];
    const pubs: Record<string, string> = {};
    for (const [name, ...how] of kinds) {
      const path = join(hoy.root, name);
      await must([keygen, "-q", ...how, "-N", "", "-f", path]);
      paths.push(path);
      pubs[`keys/${name}.pub`] = readFileSync(`${path}.pub`, "utf8");
    }
    const checks = kinds.map(([name]) => `${add} -T /keys/${name}.pub`).join(" && ");
    const dir = withTools(
      `FROM busybox\nCOPY root /\nCOPY keys /keys\nRUN --mount=type=ssh,id=mine ${add} -l && ${checks}\n`,
    );
    for (const [name, text] of Object.entries(pubs)) {
      mkdirSync(dirname(join(dir, name)), { recursive: true });
      writeFileSync(join(dir, name), text);
    }
    const build = (...args: string[]) => hoy.hoy("build", "--network", "none", "--progress", "plain", ...args, dir);
    const { code, stderr } = await build("--ssh", `mine=${paths.join(",")}`);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    expect(stderr).toContain("rsa-pem (RSA)");
    const locked = join(hoy.root, "locked");
    await must([keygen, "-q", "-t", "ed25519", "-N", "secret", "-f", locked]);
    expect((await build("--ssh", `mine=${locked}`)).stderr).toContain("it has a passphrase: add it to an agent");
    expect((await build("--ssh", `mine=${paths[0]}.pub`)).stderr).toContain("it is no private key");
    expect((await build("--ssh", `mine=${agent},${paths[0]}`)).stderr).toContain("can't be given along with others");
  });
}
