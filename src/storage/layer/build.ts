// Builds a layer's tree from the entries of its archive, in order, as `tar -x` in a chroot of its own would: a later
// entry replaces an earlier one, a directory over a directory only changes its attributes, and links in the middle of a
// path are followed inside the layer's own root, never out of it. A missing parent is made.
//
// The tree is in memory, so it is bounded: an archive that would make it too large is refused while it is being read.

import { HoyError } from "../../base/error.ts";
import { badArchive, type RawText, rawToText, type TarEntry } from "../tar/entry.ts";
import { cleanName, layerName } from "./name.ts";
import { type Directory, type Inode, impliedDirectory, type LayerNode, type LayerTree } from "./tree.ts";
import { keptXattrs } from "./xattrs.ts";

export const LAYER_LIMITS = {
  entries: 1_000_000,
  /** Nodes of the tree: entries and the parents that they imply. */
  nodes: 1_500_000,
  /** Bytes of names, targets, attributes and sparse maps together. */
  metadata: 256 * 1024 * 1024,
} as const;

/** Linux's own bounds on links in one path and on its length (path_resolution(7)). */
const MAX_LINKS = 40;
const MAX_PATH = 4095;

/** What an entry came to: where in the layer's tree, by a path without links in it. */
export type Placed =
  | { readonly kind: "ignored" }
  | { readonly kind: "whiteout"; readonly path: readonly RawText[] }
  | { readonly kind: "opaque"; readonly path: readonly RawText[] }
  | { readonly kind: "node"; readonly path: readonly RawText[]; readonly inode: Inode }
  | { readonly kind: "hardlink"; readonly path: readonly RawText[]; readonly to: readonly RawText[] };

interface Place {
  readonly directory: Directory;
  readonly path: readonly RawText[];
}

export class LayerBuilder {
  readonly #root = impliedDirectory();
  /** Where the last entry went: archives name the files of a directory one after the other. */
  #last: { readonly parent: readonly RawText[]; readonly place: Place } | undefined;
  #entries = 0;
  #nodes = 0;
  #metadata = 0;

  /** @throws HoyError "invalid" for what can't be in a layer, "too-large" past the bounds. */
  add(entry: TarEntry): Placed {
    this.#entries++;
    this.#weigh(entry);
    const name = layerName(entry.name);
    switch (name.kind) {
      case "ignored":
        return name;
      case "opaque": {
        const { directory, path } = this.#enter(name.path);
        directory.opaque = true;
        return { kind: "opaque", path };
      }
      case "whiteout":
        return this.#whiteout(name.path);
      case "node":
        break;
    }
    if (entry.type === "hardlink") return this.#hardLink(name.path, entry);
    // Overlay's own form of a whiteout; kept as a device, it would hide things in one driver only.
    const { major, minor } = entry.device;
    if (entry.type === "char" && major === 0 && minor === 0) return this.#whiteout(name.path);
    return this.#node(name.path, inodeOf(entry, entry.type));
  }

  finish(): LayerTree {
    return { root: this.#root, entries: this.#entries, size: sizeOf(this.#root) };
  }

  #node(path: readonly RawText[], inode: Inode): Placed {
    const name = path.at(-1);
    if (name === undefined) {
      if (inode.type !== "dir") throw badArchive("the root is not a directory");
      this.#root.inode = inode;
      this.#root.implied = false;
      return { kind: "node", path: [], inode };
    }
    const parent = this.#enterParent(path);
    const existing = parent.directory.children.get(name);
    if (inode.type !== "dir") {
      this.#put(parent.directory, name, { kind: "leaf", inode });
    } else if (existing?.kind === "dir") {
      existing.inode = inode;
      existing.implied = false;
    } else {
      const opaque = existing?.kind === "whiteout";
      this.#put(parent.directory, name, { kind: "dir", inode, children: new Map(), opaque, implied: false });
    }
    return { kind: "node", path: [...parent.path, name], inode };
  }

  /** What the layer itself has under the name stays: a whiteout speaks of the layers below, in any order. */
  #whiteout(path: readonly RawText[]): Placed {
    const name = path.at(-1);
    if (name === undefined) throw badArchive("whiteout of the root");
    const parent = this.#enter(path.slice(0, -1));
    const existing = parent.directory.children.get(name);
    const placed = [...parent.path, name];
    if (existing?.kind === "dir") {
      existing.opaque = true;
      return { kind: "opaque", path: placed };
    }
    if (existing !== undefined) return { kind: "ignored" };
    this.#put(parent.directory, name, { kind: "whiteout" });
    return { kind: "whiteout", path: placed };
  }

  #hardLink(path: readonly RawText[], entry: TarEntry): Placed {
    const name = path.at(-1);
    const target = cleanName(entry.linkname);
    const last = target.at(-1);
    if (name === undefined || last === undefined) throw badArchive("hard link to or from the root");
    const from = this.#find(target.slice(0, -1));
    const found = from?.directory.children.get(last);
    if (from === undefined || found?.kind !== "leaf") {
      const what = found?.kind === "dir" ? "a directory" : "a file that is not in the layer before it";
      throw badArchive(`hard link ${rawToText(entry.name)} to ${what}: ${rawToText(entry.linkname)}`);
    }
    const to = [...from.path, last];
    const parent = this.#enter(path.slice(0, -1));
    if (parent.directory === from.directory && name === last) return { kind: "ignored" };
    const placed = [...parent.path, name];
    // It would take the place of the directory that its target is in, and so remove it first.
    if (placed.every((part, index) => to[index] === part)) {
      throw badArchive(`hard link ${rawToText(entry.name)} in the place of a directory above its target`);
    }
    this.#put(parent.directory, name, found);
    return { kind: "hardlink", path: placed, to };
  }

  #put(directory: Directory, name: RawText, node: LayerNode): void {
    this.#grow();
    // What takes another's place may be on the way to where the last entry went; a new name is on no way.
    if (directory.children.has(name)) this.#last = undefined;
    directory.children.set(name, node);
  }

  #enterParent(path: readonly RawText[]): Place {
    const last = this.#last;
    if (last !== undefined && isParent(last.parent, path)) return last.place;
    const parent = path.slice(0, -1);
    const place = this.#enter(parent);
    this.#last = { parent, place };
    return place;
  }

  #enter(path: readonly RawText[]): Place {
    const place = this.#walk(path, true);
    if (place === undefined) throw badArchive("no such directory");
    return place;
  }

  #find(path: readonly RawText[]): Place | undefined {
    return this.#walk(path, false);
  }

  /** Goes down `path`, following links; what is missing is made, or ends the walk with undefined. */
  #walk(path: readonly RawText[], make: boolean): Place | undefined {
    const trail: { name: RawText; directory: Directory }[] = [];
    const todo = [...path].reverse();
    let links = 0;
    for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
      if (part === "..") {
        trail.pop();
        continue;
      }
      const here = trail.at(-1)?.directory ?? this.#root;
      const next = here.children.get(part);
      if (next?.kind === "dir") {
        trail.push({ name: part, directory: next });
      } else if (next?.kind === "leaf" && next.inode.type === "symlink") {
        if (++links > MAX_LINKS) throw badArchive(`too many links in ${rawToText(path.join("/"))}`);
        const parts = next.inode.target.split("/").filter((each) => each !== "" && each !== ".");
        if (next.inode.target.startsWith("/")) trail.length = 0;
        todo.push(...parts.reverse());
      } else if (next?.kind === "leaf") {
        throw badArchive(`not a directory: ${rawToText(path.join("/"))}`);
      } else {
        if (!make) return undefined;
        if (part.length > 255) throw badArchive("link to a name longer than 255 bytes");
        if (trail.length > MAX_PATH / 2) throw badArchive("name is too long after following links");
        const made = impliedDirectory(next?.kind === "whiteout");
        this.#put(here, part, made);
        trail.push({ name: part, directory: made });
      }
    }
    const resolved = trail.map(({ name }) => name);
    // Links can make a path longer than any that could be opened.
    if (links > 0 && resolved.join("/").length > MAX_PATH) throw badArchive("name is too long after following links");
    return { directory: trail.at(-1)?.directory ?? this.#root, path: resolved };
  }

  #weigh(entry: TarEntry): void {
    if (this.#entries > LAYER_LIMITS.entries) throw tooLarge(`more than ${LAYER_LIMITS.entries} entries`);
    this.#metadata += entry.name.length + entry.linkname.length + 16 * (entry.sparse?.length ?? 0);
    for (const [name, value] of entry.xattrs) this.#metadata += name.length + value.length;
    if (this.#metadata > LAYER_LIMITS.metadata) throw tooLarge("its names and attributes take too much room");
  }

  #grow(): void {
    if (++this.#nodes > LAYER_LIMITS.nodes) throw tooLarge(`more than ${LAYER_LIMITS.nodes} files`);
  }
}

function isParent(parent: readonly RawText[], path: readonly RawText[]): boolean {
  if (parent.length !== path.length - 1) return false;
  for (let at = parent.length - 1; at >= 0; at--) if (parent[at] !== path[at]) return false;
  return true;
}

function inodeOf(entry: TarEntry, type: Inode["type"]): Inode {
  const { uid, gid, mtime, device, size, offset, sparse } = entry;
  // No Linux file system has modes of links, and archives say various things.
  const mode = type === "symlink" ? 0o777 : entry.mode;
  if (type === "symlink" && entry.linkname === "") throw badArchive(`link to nothing: ${rawToText(entry.name)}`);
  const xattrs = keptXattrs(type, entry.xattrs);
  return { type, mode, uid, gid, mtime, xattrs, target: entry.linkname, device, size, offset, sparse };
}

function sizeOf(root: Directory): number {
  const seen = new Set<Inode>();
  let size = 0;
  const stack = [root];
  for (let directory = stack.pop(); directory !== undefined; directory = stack.pop()) {
    for (const node of directory.children.values()) {
      if (node.kind === "dir") stack.push(node);
      else if (node.kind === "leaf" && !seen.has(node.inode)) {
        seen.add(node.inode);
        size += node.inode.size;
      }
    }
  }
  return size;
}

function tooLarge(why: string): HoyError {
  return new HoyError("too-large", `layer is too large: ${why}`);
}
