// Go's path.Clean, which ignore files are read with.

import { posix } from "node:path";

export function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}
