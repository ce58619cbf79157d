// A build's context that came from a URL as one file: a small text is a Dockerfile, everything else an archive that is
// to be unpacked. The same for both protocols; how it came and where it goes is theirs.

import { HoyError } from "../../base/error.ts";
import { detectCompression } from "../../storage/decompress.ts";
import type { FileChange, FileOp, Op } from "../graph.ts";
import type { Solver, Tree } from "../solver-contract.ts";

/** Name of the file in its tree. */
export const FETCHED = "context";

const UNPACK: FileChange = {
  type: "copy",
  source: `/${FETCHED}`,
  target: "/",
  owner: { user: 0, group: 0 },
  mode: undefined,
  followSymlink: false,
  contentsOnly: false,
  unpack: true,
  createTarget: true,
  allowWildcard: false,
  allowEmptyWildcard: false,
  include: [],
  exclude: [],
  parents: false,
  alwaysReplace: false,
  created: undefined,
};

/** Unpacks input 0 onto nothing. */
export const unpackFetched: FileOp = {
  kind: "file",
  actions: [{ input: -1, secondary: 0, output: 0, action: UNPACK }],
};

/** The file of a URL, as the source that gets it. */
export function fetchedFile(url: string): Op {
  return { kind: "source", type: "http", url, checksum: "", filename: FETCHED, mode: undefined, uid: 0, gid: 0 };
}

/** The Dockerfile, when the fetched file is one of at most `limit` bytes. */
export async function fetchedText(
  solver: Pick<Solver, "readFile">,
  tree: Tree,
  limit: number,
): Promise<string | undefined> {
  try {
    const data = await solver.readFile(tree, FETCHED, limit);
    return data === undefined ? undefined : plainText(data);
  } catch (error) {
    if (error instanceof HoyError && error.code === "too-large") return undefined;
    throw error;
  }
}

/** undefined for what is an archive or has zero bytes. */
export function plainText(data: Uint8Array): string | undefined {
  return data.includes(0) || detectCompression(data) !== "plain" ? undefined : Buffer.from(data).toString("utf8");
}
