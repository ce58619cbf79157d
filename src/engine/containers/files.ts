// The three files that the engine puts over the image's own: /etc/hostname, /etc/hosts, /etc/resolv.conf. They lie in
// the container's directory and are bound in place, so they are written in place too: a rename would not be seen inside.

import { chmodSync, closeSync, existsSync, openSync, writeFileSync } from "node:fs";
import { isErrno } from "../../linux/libc.ts";
import type { Reservation } from "../../network/contract.ts";
import type { ContainerFiles } from "../../runtime/spec/input.ts";
import type { Container } from "./container.ts";

const LOCAL_HOSTS = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::\tip6-localnet",
  "ff00::\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

/** Writes the files for a start; gives their paths, as the spec takes them. */
export function writeContainerFiles(container: Container, reservation: Reservation): ContainerFiles {
  const { paths, spec } = container;
  const { Hostname: host = "", Domainname: domain = "" } = spec.config;
  write(paths.hostname, `${domain === "" ? host : `${host}.${domain}`}\n`);
  write(paths.hosts, hostsText(reservation));
  write(paths.resolvConf, reservation.resolvConf);
  return { hostname: paths.hostname, hosts: paths.hosts, resolvConf: paths.resolvConf };
}

/**
 * Where the files are, for copies out of a container that is down. They are empty until its first start, as Docker's are.
 * @throws SystemError when the container's directory is not there.
 */
export function existingFiles(
  paths: Container["paths"],
): readonly { readonly source: string; readonly destination: string }[] {
  const files = [
    { source: paths.resolvConf, destination: "/etc/resolv.conf" },
    { source: paths.hostname, destination: "/etc/hostname" },
    { source: paths.hosts, destination: "/etc/hosts" },
  ];
  for (const { source } of files) if (!existsSync(source)) makeEmpty(source);
  return files;
}

/** A start may be quicker, and what it wrote stays. */
function makeEmpty(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o644));
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
}

export function hostsText(reservation: Pick<Reservation, "hosts">): string {
  const lines = reservation.hosts.map(({ address, names }) => `${address}\t${names.join(" ")}`);
  return `${[...LOCAL_HOSTS, ...lines].join("\n")}\n`;
}

/** Readable by everyone inside, whatever the umask of the daemon. */
function write(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o644 });
  chmodSync(path, 0o644);
}
