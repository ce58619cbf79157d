// Debian's own sshd in a daemon's network namespace, and a user's home for both ends of the connection: keys, known hosts
// and authorized keys of this test alone. It runs in a mount namespace with a passwd of its own, since sshd insists on
// its account and ssh looks for ~/.ssh at the account's home, whatever HOME says: nothing of the machine's is touched.

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ok } from "./clients.ts";
import { command } from "./command.ts";
import type { TestDaemon } from "./daemon.ts";
import { sshdLibraries, sshdProgram, UNPACKED } from "./openssh.ts";

const DIST = resolve(import.meta.dir, "../../dist");

export interface Sshd {
  /** The home of root as both ends see it. */
  readonly home: string;
  /** Goes before a command line to see the accounts and the home of this sshd. */
  readonly inside: readonly string[];
}

/** Listens at every address of the daemon's namespace, port 22; ends with the daemon. */
export async function sshd(daemon: TestDaemon): Promise<Sshd> {
  const program = sshdProgram();
  if (program === undefined) throw new Error("there is no sshd");
  const root = join(daemon.root, "sshd");
  const home = join(root, "home");
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  await keys(root, home);
  commands(root);
  accounts(root, home);
  configure(root, daemon);
  const argv = [program, "-D", "-e", "-f", join(root, "sshd_config")];
  const script = join(root, "start");
  writeFileSync(script, START);
  const child = Bun.spawn([...daemon.inside, "unshare", "--mount", "--propagation", "private", "sh", script, ...argv], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ROOT: root, UNPACKED, LD_LIBRARY_PATH: sshdLibraries() },
  });
  daemon.beforeClose.push(async () => {
    child.kill();
    await child.exited;
  });
  await listening(child.stderr);
  return { home, inside: ["nsenter", `--mount=/proc/${child.pid}/ns/mnt`, "--"] };
}

/** Waits for sshd's word, and reads on so that it never waits for us. @throws with what it said when it ends instead. */
async function listening(stderr: ReadableStream<Uint8Array>): Promise<void> {
  const ready = Promise.withResolvers<void>();
  const pump = async () => {
    let said = "";
    for await (const chunk of stderr) {
      if (said.length < 64 * 1024) said += new TextDecoder().decode(chunk);
      if (said.includes("Server listening")) ready.resolve();
    }
    ready.reject(new Error(`sshd ended:\n${said}`));
  };
  void pump();
  await ready.promise;
}

/** `unshare` and the shell exec: the process stays the one that was started. */
const START = `set -e
mount -t tmpfs -o mode=0755 run /run
mkdir -m 0755 /run/sshd
for name in passwd shadow; do mount --bind "$ROOT/$name" "/etc/$name"; done
# What newer versions run for each connection lies at a fixed place.
[ ! -d "$UNPACKED/usr/lib/openssh" ] || mount --bind "$UNPACKED/usr/lib/openssh" /usr/lib/openssh
exec "$@"
`;

/** An account without a password, that is not locked: "*" in shadow; a locked one ("!") is refused by sshd. */
function accounts(root: string, home: string): void {
  const lines = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .filter((line) => line !== "" && !/^(root|sshd):/.test(line));
  lines.push(`root:x:0:0:root:${home}:/bin/sh`, "sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin");
  writeFileSync(join(root, "passwd"), `${lines.join("\n")}\n`);
  writeFileSync(join(root, "shadow"), "root:*:19000:0:99999:7:::\nsshd:!:19000::::::\n", { mode: 0o600 });
}

async function keys(root: string, home: string): Promise<void> {
  const folder = join(home, ".ssh");
  const make = (path: string) => ok(command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path]));
  await make(join(root, "host_key"));
  await make(join(folder, "id_ed25519"));
  writeFileSync(join(folder, "authorized_keys"), readFileSync(join(folder, "id_ed25519.pub")), { mode: 0o600 });
  writeFileSync(join(folder, "known_hosts"), `* ${readFileSync(join(root, "host_key.pub"), "utf8")}`);
  writeFileSync(join(folder, "config"), "StrictHostKeyChecking yes\nGlobalKnownHostsFile /dev/null\n");
}

/** The far side has `hoy`, and `docker` which is hoy by another name. */
function commands(root: string): void {
  mkdirSync(join(root, "bin"));
  for (const name of ["hoy", "docker"]) symlinkSync(join(DIST, "hoy"), join(root, "bin", name));
}

function configure(root: string, daemon: TestDaemon): void {
  const lines = [
    "Port 22",
    `HostKey ${join(root, "host_key")}`,
    "PidFile none",
    "UsePAM no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PermitRootLogin prohibit-password",
    "PermitUserRC no",
    `SetEnv PATH=${join(root, "bin")}:/usr/bin:/bin DOCKER_HOST=unix://${daemon.socket}`,
  ];
  writeFileSync(join(root, "sshd_config"), `${lines.join("\n")}\n`);
}
