// What `version` and `info` say of this program.

import { API_VERSION } from "../../../api/version.ts";
import { build } from "../../../base/version.ts";

/** Keys are docker's; scripts read them. */
export interface ClientVersion {
  readonly Version: string;
  readonly DefaultAPIVersion: string;
  readonly GitCommit: string;
  /** What it was made with; no Go here. */
  readonly GoVersion: string;
  readonly Os: string;
  readonly Arch: string;
  readonly BuildTime: string;
}

export function clientVersion(): ClientVersion {
  return {
    Version: build.version,
    DefaultAPIVersion: API_VERSION,
    GitCommit: build.commit,
    GoVersion: `bun ${process.versions.bun ?? ""}`.trimEnd(),
    Os: process.platform,
    Arch: process.arch === "x64" ? "amd64" : process.arch,
    BuildTime: readableTime(build.built),
  };
}

/** "Mon Jan  2 15:04:05 2006", as ctime(3); what is no time stays as it is. */
export function readableTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const [day = "", number = "", month = "", year = "", clock = ""] = date.toUTCString().replace(",", "").split(" ");
  return `${day} ${month} ${String(Number(number)).padStart(2)} ${clock} ${year}`;
}
