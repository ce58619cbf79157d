// Sources of ADD and contexts that are git repositories: https://host/path.git#ref:directory, git@host:path, and the
// query form (?ref=…&subdir=…). Behaviour: BuildKit, frontend/dockerfile/dfgitutil.

import { Fault } from "../dockerfile/fault.ts";
import { parseBool } from "../dockerfile/instructions/values.ts";
import { join } from "./paths.ts";

export interface GitRef {
  readonly remote: string;
  readonly ref: string;
  readonly subdirectory: string;
  readonly checksum: string;
  /** undefined: not said. */
  readonly keepGitDir: boolean | undefined;
  readonly submodules: boolean | undefined;
}

const PROTOCOL = /^([a-zA-Z0-9]+):\/\//;
const SCP_STYLE = /^(?:[a-zA-Z0-9\-_]+@)?[a-zA-Z0-9-.]+:[^?#]+(?:\?[^#]*)?(?:#.*)?$/;
const IMPLICIT_USER = /^[a-zA-Z0-9\-_]+@/;

type Draft = { -readonly [K in keyof GitRef]: GitRef[K] };

/** undefined: it is no repository. @throws Fault for one whose query can't be read. */
export function parseGitRef(text: string): GitRef | undefined {
  const split = splitUrl(text);
  if (split === undefined) return undefined;
  const [, ref = "", directory = ""] = /^([^:]*)(?::(.*))?$/s.exec(split.fragment) ?? [];
  const draft: Draft = {
    remote: split.remote,
    ref,
    subdirectory: directory === "" ? "" : join("/", directory).slice(1),
    checksum: "",
    keepGitDir: undefined,
    submodules: undefined,
  };
  readQuery(draft, split.query);
  return draft;
}

function splitUrl(text: string): { remote: string; query: URLSearchParams; fragment: string } | undefined {
  if (text.startsWith("./") || text.startsWith("../")) return undefined;
  const protocol = PROTOCOL.exec(text)?.[1]?.toLowerCase();
  const isScp = protocol === undefined && IMPLICIT_USER.test(text) && SCP_STYLE.test(text);
  if (!isScp && (protocol === undefined || !["http", "https", "ssh", "git"].includes(protocol))) return undefined;
  const [, remote = "", query = "", fragment = ""] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(text) ?? [];
  // What is fetched over HTTP is a repository only when its name says so.
  if (protocol?.startsWith("http") && !remote.endsWith(".git")) return undefined;
  return { remote, query: new URLSearchParams(query), fragment };
}

function readQuery(draft: Draft, query: URLSearchParams): void {
  let tag = "";
  let branch = "";
  for (const key of new Set(query.keys())) {
    const [value = "", ...more] = query.getAll(key);
    if (more.length > 0) throw new Fault(`query ${JSON.stringify(key)} has multiple values`);
    const isSwitch = key === "submodules" || key === "keep-git-dir" || key === "fetch-by-commit";
    if (value === "" && !isSwitch) throw new Fault(`query ${JSON.stringify(key)} has no value`);
    switch (key) {
      case "ref":
        draft.ref = agreed("ref", draft.ref, value);
        break;
      case "subdir":
        draft.subdirectory = agreed("subdir", draft.subdirectory, value);
        break;
      case "tag":
        tag = value;
        break;
      case "branch":
        branch = value;
        break;
      case "checksum":
      case "commit":
        draft.checksum = value;
        break;
      case "keep-git-dir":
        draft.keepGitDir = readSwitch(key, value);
        break;
      case "submodules":
        draft.submodules = readSwitch(key, value);
        break;
      case "fetch-by-commit":
        // Only how the commit is fetched; the tree is the same.
        readSwitch(key, value);
        break;
      case "mtime":
        if (value === "checkout") break;
        throw new Fault(
          value === "commit"
            ? "mtime=commit is not supported"
            : `invalid mtime value: ${JSON.stringify(value)} (must be "checkout" or "commit")`,
        );
      default:
        throw new Fault(`unexpected query ${JSON.stringify(key)}`);
    }
  }
  if (tag !== "" && branch !== "") throw new Fault("branch conflicts with tag");
  if (tag !== "") draft.ref = agreed("ref", draft.ref, prefixed("refs/tags/", tag));
  if (branch !== "") draft.ref = agreed("ref", draft.ref, prefixed("refs/heads/", branch));
}

function agreed(what: string, before: string, value: string): string {
  if (before === "" || before === value) return value;
  throw new Fault(`${what} conflicts: ${JSON.stringify(before)} vs ${JSON.stringify(value)}`);
}

function prefixed(prefix: string, name: string): string {
  return name.startsWith(prefix) ? name : prefix + name;
}

function readSwitch(key: string, value: string): boolean {
  const flag = value === "" ? true : parseBool(value);
  if (flag === undefined) throw new Fault(`invalid ${key} value: ${JSON.stringify(value)}`);
  return flag;
}
