// `image …`.

import { entry } from "./entry.ts";

export const images = [
  entry(
    "image",
    "build",
    "Build an image from a Dockerfile",
    async () => (await import("../commands/image/build.ts")).build,
    { top: "build" },
  ),
  entry(
    "image",
    "copy",
    "Copy an image between registries, archives, layouts and engines",
    async () => (await import("../commands/image-copy/copy.ts")).copy,
  ),
  entry(
    "image",
    "diff",
    "Show the files in which two images differ",
    async () => (await import("../commands/image/diff.ts")).diff,
  ),
  entry(
    "image",
    "history",
    "Show the history of an image",
    async () => (await import("../commands/image/history.ts")).history,
    { top: "history" },
  ),
  entry(
    "image",
    "import",
    "Create an image from a tar archive of a filesystem",
    async () => (await import("../commands/image/import.ts")).importImage,
    { top: "import" },
  ),
  entry(
    "image",
    "inspect",
    "Display detailed information on one or more images",
    async () => (await import("../commands/image/inspect.ts")).inspect,
  ),
  entry(
    "image",
    "load",
    "Load images from an archive or standard input",
    async () => (await import("../commands/image/load.ts")).load,
    { top: "load" },
  ),
  entry("image", "ls", "List images", async () => (await import("../commands/image/ls.ts")).ls, {
    aliases: ["list"],
    top: "images",
  }),
  entry("image", "prune", "Remove unused images", async () => (await import("../commands/image/prune.ts")).prune),
  entry(
    "image",
    "pull",
    "Download an image from a registry",
    async () => (await import("../commands/image/pull.ts")).pull,
    { top: "pull" },
  ),
  entry(
    "image",
    "push",
    "Upload an image to a registry",
    async () => (await import("../commands/image/push.ts")).push,
    {
      top: "push",
    },
  ),
  entry("image", "rm", "Remove one or more images", async () => (await import("../commands/image/rm.ts")).rm, {
    aliases: ["remove"],
    top: "rmi",
  }),
  entry(
    "image",
    "save",
    "Save images to an archive or standard output",
    async () => (await import("../commands/image/save.ts")).save,
    { top: "save" },
  ),
  entry("image", "tag", "Give an image another name", async () => (await import("../commands/image/tag.ts")).tag, {
    top: "tag",
  }),
  entry(
    "image",
    "verify",
    "Check every byte of images against its digest",
    async () => (await import("../commands/image/verify.ts")).verify,
  ),
];
