// What two builders' images are compared by: the config that containers get, and the tree of files.

import type { Listing } from "./trees.ts";

export interface Built {
  readonly config: Readonly<Record<string, unknown>>;
  readonly files: Listing;
}

/** What an image says of its containers; absent and empty are the same, as in Docker's own. */
const FIELDS = [
  "User",
  "ExposedPorts",
  "Env",
  "Entrypoint",
  "Cmd",
  "Volumes",
  "WorkingDir",
  "Labels",
  "StopSignal",
  "Healthcheck",
  "OnBuild",
  "Shell",
];

export function fieldsOf(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = FIELDS.map((field) => {
    const value = config[field];
    const isEmpty =
      value === null ||
      value === "" ||
      (typeof value === "object" && value !== null && Object.keys(value).length === 0);
    return [field, isEmpty || (field === "WorkingDir" && value === "/") ? undefined : value] as const;
  });
  return Object.fromEntries(kept);
}

/** A variable that is set again keeps its place in Docker's list, and goes to the end of buildah's. */
export function unordered(config: Built["config"]): Built["config"] {
  return { ...config, Env: Array.isArray(config.Env) ? config.Env.toSorted() : config.Env };
}
