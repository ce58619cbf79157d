// Source ops: an identifier with a scheme, and attributes (BuildKit, solver/pb/attr.go). Attributes that change what is
// fetched and that are not known here are refused.

import { HoyError } from "../../../base/error.ts";
import type { Op } from "../../graph.ts";
import type { SourceOp as PbSource } from "../proto/gen/ops_pb.ts";
import { list, missing } from "./values.ts";

/** They say how to fetch or what to show, not what comes of it. */
const HARMLESS: ReadonlySet<string> = new Set([
  "local.session",
  "local.unique",
  "local.sharedkeyhint",
  "local.differ",
  "image.recordtype",
  "git.fullurl",
  "git.fetchbycommit",
  "git.knownsshhosts",
  "git.mountsshsock",
  "git.authheadersecret",
  "git.authtokensecret",
]);

export function sourceOp({ identifier, attrs }: PbSource): Op {
  const mark = identifier.indexOf("://");
  const scheme = identifier.slice(0, Math.max(mark, 0));
  const rest = identifier.slice(mark + 3);
  const attr = reader(attrs);
  switch (scheme) {
    case "docker-image": {
      const mode = attr("image.resolvemode") ?? "default";
      if (mode !== "default" && mode !== "pull" && mode !== "local") {
        throw new HoyError("invalid", `invalid image.resolvemode ${mode}`);
      }
      attr.done();
      return { kind: "source", type: "image", ref: rest, mode };
    }
    case "local": {
      const include = list(attr("local.includepattern"));
      const exclude = list(attr("local.excludepatterns"));
      const followPaths = list(attr("local.followpaths"));
      attr.done();
      const local = { kind: "source", type: "local", name: rest, include, exclude, followPaths } as const;
      // A part before a colon only keeps the ops of two builds apart.
      const session = (attrs["local.session"] ?? "").replace(/^[^:]*:(?=.)/, "");
      return session === "" ? local : { ...local, session };
    }
    case "git": {
      const [, remote = "", ref = "", subdirectory = ""] = /^([^#]*)(?:#([^:]*)(?::(.*))?)?$/s.exec(rest) ?? [];
      const url = attrs["git.fullurl"] ?? `https://${remote}`;
      const keepGitDir = attr("git.keepgitdir") === "true";
      const checksum = attr("git.checksum") ?? "";
      const skipSubmodules = attr("git.skipsubmodules") === "true";
      attr.done();
      const git = { kind: "source", type: "git", url, ref, subdirectory, keepGitDir, checksum } as const;
      return skipSubmodules ? { ...git, skipSubmodules } : git;
    }
    case "http":
    case "https": {
      const checksum = attr("http.checksum") ?? "";
      const filename = attr("http.filename") ?? fileName(identifier);
      const mode = number(attr("http.perm"));
      const uid = number(attr("http.uid")) ?? 0;
      const gid = number(attr("http.gid")) ?? 0;
      attr.done();
      return { kind: "source", type: "http", url: identifier, checksum, filename, mode, uid, gid };
    }
    default:
      throw missing(`a source ${JSON.stringify(identifier.slice(0, 200))}`);
  }
}

/** Reads attributes and says, at the end, which were not read. */
function reader(attrs: Readonly<Record<string, string>>) {
  const read = new Set<string>();
  const take = (name: string): string | undefined => {
    read.add(name);
    return Object.hasOwn(attrs, name) ? attrs[name] : undefined;
  };
  return Object.assign(take, {
    done(): void {
      const left = Object.keys(attrs).find((name) => !read.has(name) && !HARMLESS.has(name));
      if (left !== undefined) throw missing(`the attribute ${left.slice(0, 100)} of a source`);
    },
  });
}

/** Octal, hexadecimal or decimal, as Go's ParseInt with base 0 reads it. */
function number(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 2 ** 32 - 1) {
    throw new HoyError("invalid", `${JSON.stringify(text.slice(0, 100))} is not a number`);
  }
  return value;
}

function fileName(url: string): string {
  const path = URL.canParse(url) ? new URL(url).pathname : "";
  const base = path.slice(path.lastIndexOf("/") + 1);
  return base === "" || base === "." || base === ".." ? "download" : base;
}
