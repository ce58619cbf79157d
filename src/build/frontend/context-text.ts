// Named contexts as clients write them: `docker-image://busybox`, `local:name`, a repository, a URL
// (BuildKit, frontend/dockerui/namedcontext.go).

import { HoyError } from "../../base/error.ts";
import type { Source } from "../graph.ts";
import { parseGitRef } from "./git-ref.ts";

/**
 * `exclude`: the patterns of a local one's own .dockerignore. What needs more than a text (`input:`, `oci-layout:`) is
 * undefined: the caller knows where those are.
 * @throws HoyError "invalid" `unsupported context source x for name`
 */
export function readContext(
  name: string,
  text: string,
  pullMode: "default" | "pull" | "local",
  exclude: readonly string[] = [],
): Source | undefined {
  const [, scheme = "", rest = ""] = /^([^:]+):(.*)$/s.exec(text) ?? [];
  if (scheme === "") throw new HoyError("invalid", `invalid context specifier ${text} for ${name}`);
  switch (scheme) {
    case "docker-image": {
      const ref = rest.replace(/^\/\//, "");
      return ref === "scratch" ? { type: "scratch" } : { type: "image", ref, mode: pullMode };
    }
    case "local":
      return { type: "local", name: rest, include: [], exclude, followPaths: [] };
    case "input":
    case "oci-layout":
      return undefined;
  }
  const git = parseGitRef(text);
  if (git !== undefined) {
    const { remote, ref, subdirectory, checksum, keepGitDir, submodules } = git;
    const source = { type: "git", url: remote, ref, subdirectory, checksum, keepGitDir: keepGitDir ?? false } as const;
    return submodules === false ? { ...source, skipSubmodules: true } : source;
  }
  if (scheme === "http" || scheme === "https") {
    return { type: "http", url: text, checksum: "", filename: "context", mode: undefined, uid: 0, gid: 0 };
  }
  throw new HoyError("invalid", `unsupported context source ${scheme} for ${name}`);
}
