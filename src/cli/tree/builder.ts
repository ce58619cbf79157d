// `builder …` and `checkpoint …`.

import { entry } from "./entry.ts";

export const builder = [
  entry(
    "builder",
    "build",
    "Build an image from a Dockerfile",
    async () => (await import("../commands/image/build.ts")).build,
  ),
  entry("builder", "du", "Show what the build cache takes", async () => (await import("../commands/builder/du.ts")).du),
  entry("builder", "prune", "Remove build cache", async () => (await import("../commands/builder/prune.ts")).prune),
];

export const checkpoints = [
  entry(
    "checkpoint",
    "create",
    "Create a checkpoint from a running container",
    async () => (await import("../commands/checkpoint/create.ts")).create,
  ),
  entry(
    "checkpoint",
    "ls",
    "List checkpoints for a container",
    async () => (await import("../commands/checkpoint/ls.ts")).ls,
    { aliases: ["list"] },
  ),
  entry("checkpoint", "rm", "Remove a checkpoint", async () => (await import("../commands/checkpoint/rm.ts")).rm, {
    aliases: ["remove"],
  }),
];
