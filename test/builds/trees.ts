// A tree of files out of a tar, as a list that two builders' trees are compared by: kinds, modes, owners, links,
// attributes, contents. No times: what a build makes is as old as the build.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { extract } from "tar-stream";

export type Listing = Readonly<Record<string, string>>;

/** What the container's own start lays there, whoever builds. */
const NOT_OURS =
  /^(?:dev|proc|sys|run\/secrets|etc\/(?:hosts|hostname|resolv\.conf|mtab))(?:\/|$)|^run\/\.containerenv$/;

export async function listTar(path: string): Promise<Listing> {
  const tar = extract();
  createReadStream(path).pipe(tar);
  const found: Record<string, string> = {};
  const names = new Map<string, string[]>();
  for await (const entry of tar) {
    const { header } = entry;
    const name = header.name.replace(/^\.?\/+/, "").replace(/\/$/, "");
    const hash = createHash("sha256");
    for await (const chunk of entry) hash.update(chunk as Uint8Array);
    if (name === "" || name === "." || NOT_OURS.test(name)) continue;
    if (header.type === "link") {
      const target = (header.linkname ?? "").replace(/^\.?\/+/, "");
      names.get(target)?.push(name);
      found[name] = found[target] ?? "a link to nothing";
      continue;
    }
    const mode = (header.mode ?? 0).toString(8).padStart(4, "0");
    const type = header.type === "contiguous-file" ? "file" : header.type;
    const data = type === "file" ? hash.digest("hex").slice(0, 16) : type === "symlink" ? `-> ${header.linkname}` : "";
    const attributes = Object.entries(header.pax ?? {})
      .filter(([key]) => key.startsWith("SCHILY.xattr.") && !key.endsWith("selinux"))
      .map(([key, value]) => `${key}=${value}`);
    // A link has no mode of its own.
    found[name] = [type, type === "symlink" ? "" : mode, `${header.uid}:${header.gid}`, data, ...attributes].join(" ");
    names.set(name, [name]);
  }
  for (const group of names.values()) {
    if (group.length < 2) continue;
    for (const name of group) found[name] += ` linked with ${group.toSorted().join(", ")}`;
  }
  return Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
