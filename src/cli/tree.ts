// Every command there is. Top-level commands are those of the groups under their short names.

import type { Group } from "./command.ts";
import { builder, checkpoints } from "./tree/builder.ts";
import { containers } from "./tree/containers.ts";
import { group, single } from "./tree/entry.ts";
import { images } from "./tree/images.ts";
import { manifests } from "./tree/manifest.ts";
import { networks, volumes } from "./tree/networks.ts";
import { registry } from "./tree/registry.ts";
import { contexts, system } from "./tree/system.ts";

const all = [...containers, ...images, ...networks, ...volumes, ...system, ...contexts];

export const tree: Group = {
  kind: "group",
  name: "",
  aliases: [],
  summary: "",
  hidden: false,
  children: [
    ...all.flatMap(({ top }) => top ?? []),
    single("inspect", "Show what is known of any object", async () => (await import("./commands/inspect.ts")).inspect),
    single(
      "version",
      "Show the versions of client and engine",
      async () => (await import("./commands/system/version.ts")).version,
    ),
    single("login", "Authenticate to a registry", async () => (await import("./commands/registry/login.ts")).login),
    single("logout", "Log out from a registry", async () => (await import("./commands/registry/logout.ts")).logout),
    single(
      "search",
      "Search a registry for images",
      async () => (await import("./commands/registry/search.ts")).search,
    ),
    single(
      "completion",
      "Generate the completion script for a shell",
      async () => (await import("./commands/completion.ts")).completion,
    ),
    single(
      "__complete",
      "Words that may come next, for the completion scripts",
      async () => (await import("./commands/complete.ts")).complete,
      true,
    ),
    group("builder", "Manage builds", builder),
    group("checkpoint", "Manage checkpoints", checkpoints),
    group("container", "Manage containers", containers),
    group("context", "Manage contexts", contexts),
    group("image", "Manage images", images),
    group("manifest", "Manage Docker image manifests and manifest lists", manifests),
    group("network", "Manage networks", networks),
    registry,
    group("system", "Manage the engine", system),
    group("volume", "Manage volumes", volumes),
  ],
};
