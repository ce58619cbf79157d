// The kernel's NFS server (version 4 only) in a daemon's network namespace, exporting one directory of the test's. Its
// programs see a /run, a /var/lib/nfs and a /proc/fs/nfsd of their own: a server of the machine's is not touched.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, ok } from "./clients.ts";
import { command } from "./command.ts";
import type { TestDaemon } from "./daemon.ts";

const PROGRAMS = ["exportfs", "rpc.nfsd", "rpc.mountd"];

/** Undefined: an NFS server can be had here; else what is missing. */
export function nfsMissing(): string | undefined {
  const program = PROGRAMS.find((name) => Bun.which(name, { PATH: "/usr/sbin:/sbin" }) === null);
  if (program !== undefined) return `no ${program} of nfs-kernel-server`;
  const loaded = ["nfsd", "nfs"].every((name) => existsSync(`/sys/module/${name}`));
  return loaded ? undefined : "this kernel has no NFS server and client, or their modules are not loaded";
}

/** mountd stays in the foreground: it is the process that was started, and the others are the kernel's threads. */
const START = `set -e
mount -t tmpfs -o mode=0755 run /run
mkdir -p /run/lock /var/lib/nfs
mount -t tmpfs -o mode=0755 state /var/lib/nfs
mkdir /var/lib/nfs/v4recovery
for name in etab rmtab; do : >/var/lib/nfs/$name; done
mount -t nfsd nfsd /proc/fs/nfsd
exportfs -i -o rw,no_root_squash,no_subtree_check,insecure,fsid=0 "*:$EXPORT"
# How long it waits for clients of an earlier life: the least that the kernel takes.
for name in nfsv4leasetime nfsv4gracetime; do echo 10 >/proc/fs/nfsd/$name; done
rpc.nfsd --no-nfs-version 3 --nfs-version 4 --no-udp 1
exec rpc.mountd --foreground --no-nfs-version 3
`;

export interface NfsServer {
  /** The directory that is exported, as "/" of version 4. */
  readonly path: string;
}

/** Serves at every address of the daemon's namespace; ends with the daemon. */
export async function nfsServer(daemon: TestDaemon): Promise<NfsServer> {
  const path = join(daemon.root, "export");
  const script = join(daemon.root, "nfs-start");
  mkdirSync(path, { mode: 0o777 });
  writeFileSync(script, START);
  const log = join(daemon.root, "nfs.log");
  const child = Bun.spawn([...daemon.inside, "unshare", "--mount", "--propagation", "private", "sh", script], {
    stdio: ["ignore", Bun.file(log), Bun.file(log)],
    env: { ...process.env, EXPORT: path },
  });
  const inside = ["nsenter", `--mount=/proc/${child.pid}/ns/mnt`, "--", "sh", "-c"];
  daemon.beforeClose.push(async () => {
    await ok(command([...daemon.inside, ...inside, "exportfs -ua; rpc.nfsd 0"]));
    child.kill();
    await child.exited;
  });
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`the NFS server ended: ${await Bun.file(log).text()}`);
    return (
      await command([...daemon.inside, ...inside, "cat /proc/fs/nfsd/threads; ls /proc/net/rpc/nfsd.fh"])
    ).stdout.startsWith("1");
  }, "the NFS server runs");
  return { path };
}
