// `manifest …`: lists of images for several platforms.

import { entry } from "./entry.ts";

export const manifests = [
  entry(
    "manifest",
    "annotate",
    "Add additional information to a local image manifest",
    async () => (await import("../commands/manifest/annotate.ts")).annotate,
  ),
  entry(
    "manifest",
    "create",
    "Create a local manifest list for annotating and pushing to a registry",
    async () => (await import("../commands/manifest/create.ts")).create,
  ),
  entry(
    "manifest",
    "inspect",
    "Display an image manifest, or manifest list",
    async () => (await import("../commands/manifest/inspect.ts")).inspect,
  ),
  entry(
    "manifest",
    "push",
    "Push a manifest list to a repository",
    async () => (await import("../commands/manifest/push.ts")).push,
  ),
  entry(
    "manifest",
    "rm",
    "Delete one or more manifest lists from local storage",
    async () => (await import("../commands/manifest/rm.ts")).rm,
  ),
];
