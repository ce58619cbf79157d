// What the host is called and which programs it has: asked once, for info and version.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { release } from "node:os";
import type { RuntimeSettings } from "../../base/settings.ts";
import { isErrno } from "../../linux/libc.ts";

const PATIENCE_MS = 3000;

export interface HostDescription {
  readonly kernel: string;
  /** PRETTY_NAME of os-release(5). */
  readonly operatingSystem: string;
  readonly osVersion: string;
  /** First line of `--version` of each runtime that is there. */
  readonly runtimes: Readonly<Record<string, string>>;
}

export async function describeHost(runtimes: Readonly<Record<string, RuntimeSettings>>): Promise<HostDescription> {
  const os = parseOsRelease(await osRelease());
  const versions = await Promise.all(
    Object.entries(runtimes).map(async ([name, { path }]) => [name, await programVersion(path)] as const),
  );
  return {
    kernel: release(),
    operatingSystem: os.PRETTY_NAME ?? "Linux",
    osVersion: os.VERSION_ID ?? "",
    runtimes: Object.fromEntries(versions),
  };
}

async function osRelease(): Promise<string> {
  for (const path of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw error;
    }
  }
  return "";
}

export function parseOsRelease(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/^([A-Z_]+)=(?:"([^"\n]*)"|'([^'\n]*)'|([^\n]*))$/gm)];
  return Object.fromEntries(pairs.map(([, key = "", double, single, bare]) => [key, double ?? single ?? bare ?? ""]));
}

/** "" when it is not there or does not answer. */
function programVersion(path: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(path, ["--version"], { timeout: PATIENCE_MS, maxBuffer: 64 * 1024 }, (error, stdout) => {
      resolve(error === null ? (stdout.split("\n")[0] ?? "") : "");
    });
  });
}
