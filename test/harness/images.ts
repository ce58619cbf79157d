// Test images, made from what Debian has: nothing comes from a hub.

import { join, resolve } from "node:path";
import { commandBytes } from "./command.ts";

const ROOT = resolve(import.meta.dir, "../..");

let base: Promise<Uint8Array> | undefined;

/** The tar of a busybox root file system. */
export function baseTar(): Promise<Uint8Array> {
  base ??= commandBytes([join(ROOT, "scripts/base-image")]).then(({ code, stdout, stderr }) => {
    if (code !== 0) throw new Error(`scripts/base-image: ${stderr}`);
    return stdout;
  });
  return base;
}

/** Imports busybox as NAME[:TAG], with a PATH and CMD ["sh"]. */
export async function importBase(daemon: { readonly socket: string }, name: string): Promise<void> {
  await importTar(daemon, name, await baseTar());
}

/** The same with another root file system. */
export async function importTar(
  daemon: { readonly socket: string },
  name: string,
  tar: Uint8Array | Blob,
): Promise<void> {
  const [repo = name, tag = "latest"] = name.split(":");
  const query = new URLSearchParams({ fromSrc: "-", repo, tag });
  for (const change of ["ENV PATH=/bin:/usr/bin", 'CMD ["sh"]']) query.append("changes", change);
  const response = await fetch(`http://hoy/images/create?${query}`, {
    method: "POST",
    body: tar,
    unix: daemon.socket,
  } as RequestInit);
  const text = await response.text();
  if (!response.ok || text.includes('"error"')) throw new Error(`import of ${name}: ${response.status} ${text}`);
}
