// `builder …` and `checkpoint …`.

import type { Entry } from "./entry.ts";

export const builder: readonly Entry[] = [
  {
    name: "build",
    summary: "Build an image from a Dockerfile",
    load: async () => (await import("../commands/image/build.ts")).build,
  },
  {
    name: "du",
    summary: "Show what the build cache takes",
    load: async () => (await import("../commands/builder/du.ts")).du,
  },
  {
    name: "prune",
    summary: "Remove build cache",
    load: async () => (await import("../commands/builder/prune.ts")).prune,
  },
];

export const cacheMounts: readonly Entry[] = [
  {
    name: "export",
    summary: "Write a cache mount to an archive",
    load: async () => (await import("../commands/builder/cache-mounts.ts")).exportMount,
  },
  {
    name: "import",
    summary: "Bring in a cache mount from an archive",
    load: async () => (await import("../commands/builder/cache-mounts.ts")).importMount,
  },
  {
    name: "ls",
    summary: "List the directories of RUN --mount=type=cache",
    load: async () => (await import("../commands/builder/cache-mounts.ts")).ls,
    aliases: ["list"],
  },
];

export const checkpoints: readonly Entry[] = [
  {
    name: "create",
    summary: "Create a checkpoint from a running container",
    load: async () => (await import("../commands/checkpoint/create.ts")).create,
  },
  {
    name: "ls",
    summary: "List checkpoints for a container",
    load: async () => (await import("../commands/checkpoint/ls.ts")).ls,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Remove a checkpoint",
    load: async () => (await import("../commands/checkpoint/rm.ts")).rm,
    aliases: ["remove"],
  },
];
