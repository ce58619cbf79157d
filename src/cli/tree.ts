// Every command there is. Top-level commands are those of the groups under their short names, and a few of their own.

import { builder, cacheMounts, checkpoints } from "./tree/builder.ts";
import { containers } from "./tree/containers.ts";
import { type Entry, group, RootGroup } from "./tree/entry.ts";
import { images } from "./tree/images.ts";
import { manifests } from "./tree/manifest.ts";
import { networks, volumes } from "./tree/networks.ts";
import { registry } from "./tree/registry.ts";
import { contexts, system } from "./tree/system.ts";

const own: readonly Entry[] = [
  {
    name: "inspect",
    summary: "Show what is known of any object",
    load: async () => (await import("./commands/inspect.ts")).inspect,
  },
  {
    name: "version",
    summary: "Show the versions of client and engine",
    load: async () => (await import("./commands/system/version.ts")).version,
  },
  {
    name: "login",
    summary: "Authenticate to a registry",
    load: async () => (await import("./commands/registry/login.ts")).login,
  },
  {
    name: "logout",
    summary: "Log out from a registry",
    load: async () => (await import("./commands/registry/logout.ts")).logout,
  },
  {
    name: "search",
    summary: "Search a registry for images",
    load: async () => (await import("./commands/registry/search.ts")).search,
  },
  {
    name: "completion",
    summary: "Generate the completion script for a shell",
    load: async () => (await import("./commands/completion.ts")).completion,
  },
  {
    name: "__complete",
    summary: "Words that may come next, for the completion scripts",
    load: async () => (await import("./commands/complete.ts")).complete,
    hidden: true,
  },
];

export const tree = new RootGroup(own, [
  group("builder", "Manage builds", builder, [group("builder cache-mount", "Manage cache mounts", cacheMounts)]),
  group("checkpoint", "Manage checkpoints", checkpoints),
  group("container", "Manage containers", containers),
  group("context", "Manage contexts", contexts),
  group("image", "Manage images", images),
  group("manifest", "Manage Docker image manifests and manifest lists", manifests),
  group("network", "Manage networks", networks),
  registry,
  group("system", "Manage the engine", system),
  group("volume", "Manage volumes", volumes),
]);
