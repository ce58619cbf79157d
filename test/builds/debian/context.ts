// The directory that a build of a Debian image is given: its files, and its packages in `debs` (linked: they are large).

import { linkSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Makes one below `root`, on the same file system as the packages. */
export function makeContext(root: string, files: Readonly<Record<string, string>>, debs: readonly string[]): string {
  const directory = mkdtempSync(join(root, "context-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  if (debs.length === 0) return directory;
  mkdirSync(join(directory, "debs"));
  for (const deb of debs) linkSync(deb, join(directory, "debs", basename(deb)));
  return directory;
}
