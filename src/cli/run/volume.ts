// -v, in all its forms: "/in", "name:/in", "/host:/in:ro", "./rel:/in". What has a source becomes a bind (HostConfig),
// what has none an anonymous volume (Config). The engine checks the options.

import { isAbsolute, resolve } from "node:path";
import { UsageError } from "../base/errors.ts";
import { cut } from "../base/text.ts";

export interface Volumes {
  readonly binds: string[];
  readonly anonymous: Record<string, Record<string, never>>;
}

/** @throws UsageError in docker's words. */
export function parseVolumes(specs: readonly string[], cwd: string): Volumes {
  const volumes: Volumes = { binds: [], anonymous: {} };
  for (const spec of new Set(specs)) {
    if (sourceOf(spec) === "") volumes.anonymous[spec] = {};
    else volumes.binds.push(absoluteBind(spec, cwd));
  }
  return volumes;
}

function sourceOf(spec: string): string {
  if (spec === "") throw new UsageError("invalid empty volume spec");
  if (spec.length <= 2) return "";
  const parts = splitColons(spec);
  if (parts.includes("")) throw new UsageError(`invalid spec: ${spec}: empty section between colons`);
  if (parts.length > 3) throw new UsageError(`invalid spec: ${spec}: too many colons`);
  return parts.length === 1 ? "" : (parts[0] ?? "");
}

/** At colons, but not behind a single letter ("c:\dir"), which is a drive. */
function splitColons(spec: string): string[] {
  const parts: string[] = [""];
  for (const sign of spec) {
    const last = parts.at(-1) ?? "";
    if (sign === ":" && !/^\p{L}$/u.test(last)) parts.push("");
    else parts[parts.length - 1] = last + sign;
  }
  return parts;
}

function absoluteBind(spec: string, cwd: string): string {
  const [host, rest] = cut(spec, ":");
  return host.startsWith(".") && !isAbsolute(host) ? `${resolve(cwd, host)}:${rest}` : spec;
}
