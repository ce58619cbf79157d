// Gives the default profile to the kernel, by apparmor_parser(8), when it is not there yet. Profiles are gone after a
// reboot, and other services may drop them, so this runs at every start of the daemon.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { log } from "../../base/log.ts";
import { PROFILE_NAME, profileText } from "./profile.ts";

export const LOADED_PROFILES = "/sys/kernel/security/apparmor/profiles";
const PARSER_PATIENCE_MS = 10_000;

/** @returns the profile's name; undefined, with a word in the log, when there is no parser or it fails */
export async function loadDefaultProfile(): Promise<string | undefined> {
  if (hasProfile(await readFile(LOADED_PROFILES, "utf8"), PROFILE_NAME)) return PROFILE_NAME;
  const there = (path: string) => existsSync(`/etc/apparmor.d/${path}`);
  const text = profileText({
    abi: there("abi/3.0"),
    tunables: there("tunables/global"),
    base: there("abstractions/base"),
  });
  const failure = await parse(text);
  if (failure === undefined) return PROFILE_NAME;
  log.warn("containers run without an AppArmor profile", { reason: failure });
  return undefined;
}

/** The kernel's list: `name (mode)` a line. */
export function hasProfile(list: string, name: string): boolean {
  return list.split("\n").some((line) => line.startsWith(`${name} (`));
}

/** -K: no cache, as the text has no file; -r: replace. @returns why it failed */
function parse(text: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = execFile("apparmor_parser", ["-Kr"], { timeout: PARSER_PATIENCE_MS }, (error, _, stderr) => {
      if (error === null) resolve(undefined);
      else resolve(error.code === "ENOENT" ? "apparmor_parser is not installed" : stderr.trim() || error.message);
    });
    // A parser that is not there, or ends early, closes its input: the callback says so.
    child.stdin?.on("error", (error) => log.debug("apparmor_parser took no input", { error: error.message }));
    child.stdin?.end(text);
  });
}
