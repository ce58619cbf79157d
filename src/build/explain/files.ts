// The files that a copy took, one line each, packed to be kept: so that a later build can be told which of them changed.

import { gunzipSync, gzipSync } from "node:zlib";

export interface NotedFile {
  readonly path: string;
  /** Kind, mode and owner. */
  readonly attributes: string;
  /** Digest of its data, or where it leads. */
  readonly content: string;
}

/** More than so many are not kept: it is said then that they are too many. */
export const MAX_NOTED = 50_000;

export function packFiles(files: readonly NotedFile[]): Uint8Array {
  return gzipSync(JSON.stringify(files.map(({ path, attributes, content }) => [path, attributes, content])), {
    level: 1,
  });
}

/** Path → file. What can't be read is as good as not there. */
export function unpackFiles(packed: Uint8Array): ReadonlyMap<string, NotedFile> | undefined {
  try {
    const rows = JSON.parse(gunzipSync(packed).toString()) as [string, string, string][];
    return new Map(rows.map(([path, attributes, content]) => [path, { path, attributes, content }]));
  } catch {
    return undefined; // written by another version, or damaged: an explanation less
  }
}

/** Lines of a difference that are told. */
const MAX_TOLD = 10;

export function tellDifference(
  before: ReadonlyMap<string, NotedFile>,
  after: ReadonlyMap<string, NotedFile>,
): string[] {
  const lines: string[] = [];
  for (const [path, now] of after) {
    const was = before.get(path);
    if (was === undefined) lines.push(`${path}: new`);
    else if (was.content !== now.content) lines.push(`${path}: changed, ${was.content} → ${now.content}`);
    else if (was.attributes !== now.attributes) lines.push(`${path}: was ${was.attributes}, is ${now.attributes}`);
  }
  for (const path of before.keys()) if (!after.has(path)) lines.push(`${path}: gone`);
  const more = lines.length - MAX_TOLD;
  return more > 0 ? [...lines.slice(0, MAX_TOLD), `and ${more} more`] : lines;
}
