// Samba's file server in a daemon's network namespace, with one share and one user of its own. All that it keeps is in the
// test's directory: a server of the machine's is not touched.

import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, ok } from "./clients.ts";
import { command } from "./command.ts";
import type { TestDaemon } from "./daemon.ts";

const PROGRAMS = ["smbd", "smbpasswd"];

/** Undefined: a server can be had here, and the kernel's client; else what is missing. */
export function smbMissing(): string | undefined {
  const program = PROGRAMS.find((name) => Bun.which(name, { PATH: "/usr/sbin:/usr/bin" }) === null);
  if (program !== undefined) return `no ${program} of samba`;
  return existsSync("/sys/module/cifs") ? undefined : "this kernel has no SMB client, or its module is not loaded";
}

/** Debian's `games` everywhere: what this user writes is seen to be its own, and not root's. */
const USER = { name: "games", uid: 5, gid: 60 } as const;

export interface SmbServer {
  /** The directory that is shared, as `share`. */
  readonly path: string;
  readonly user: typeof USER;
  readonly password: string;
}

/** Serves at 127.0.0.1 of the daemon's namespace; ends with the daemon. */
export async function smbServer(daemon: TestDaemon): Promise<SmbServer> {
  const [path, state] = [join(daemon.root, "share"), join(daemon.root, "smb")];
  // With a comma: what is written with two of them in the options is one.
  const password = `secret,${crypto.randomUUID()}`;
  mkdirSync(path);
  chmodSync(path, 0o777);
  mkdirSync(state, { mode: 0o700 });
  const file = join(state, "smb.conf");
  writeFileSync(file, configuration(path, state), { mode: 0o600 });
  const enter = Bun.spawn([...daemon.inside, "smbpasswd", "-c", file, "-s", "-a", USER.name], {
    stdio: [new Blob([`${password}\n${password}\n`]), "ignore", "pipe"],
  });
  if ((await enter.exited) !== 0) throw new Error(`smbpasswd: ${await new Response(enter.stderr).text()}`);
  const log = join(state, "log");
  const server = Bun.spawn(
    // At its end it signals its process group: with --no-process-group that would be the test's.
    [...daemon.inside, "smbd", "--foreground", "--debug-stdout", "--configfile", file],
    { stdio: ["ignore", Bun.file(log), Bun.file(log)] },
  );
  daemon.beforeClose.push(async () => {
    server.kill();
    await server.exited;
  });
  await eventually(async () => {
    if (server.exitCode !== null) throw new Error(`smbd ended: ${await Bun.file(log).text()}`);
    return (await ok(command([...daemon.inside, "cat", "/proc/net/tcp"]))).includes("0100007F:01BD ");
  }, "smbd listens");
  return { path, user: USER, password };
}

function configuration(path: string, state: string): string {
  const kept = ["private dir", "lock directory", "state directory", "cache directory", "pid directory", "ncalrpc dir"];
  return `[global]
server role = standalone server
interfaces = 127.0.0.1
bind interfaces only = yes
smb ports = 445
disable netbios = yes
disable spoolss = yes
log file = ${state}/smbd.log
load printers = no
printcap name = /dev/null
passdb backend = tdbsam:${state}/passdb.tdb
${kept.map((name) => `${name} = ${state}`).join("\n")}
[share]
path = ${path}
read only = no
create mask = 0777
`;
}
