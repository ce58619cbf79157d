// `manifest …`: lists of images for several platforms.

import type { Entry } from "./entry.ts";

export const manifests: readonly Entry[] = [
  {
    name: "annotate",
    summary: "Add additional information to a local image manifest",
    load: async () => (await import("../commands/manifest/annotate.ts")).annotate,
  },
  {
    name: "create",
    summary: "Create a local manifest list for annotating and pushing to a registry",
    load: async () => (await import("../commands/manifest/create.ts")).create,
  },
  {
    name: "inspect",
    summary: "Display an image manifest, or manifest list",
    load: async () => (await import("../commands/manifest/inspect.ts")).inspect,
  },
  {
    name: "push",
    summary: "Push a manifest list to a repository",
    load: async () => (await import("../commands/manifest/push.ts")).push,
  },
  {
    name: "rm",
    summary: "Delete one or more manifest lists from local storage",
    load: async () => (await import("../commands/manifest/rm.ts")).rm,
  },
];
