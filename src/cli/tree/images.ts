// `image …`.

import type { Entry } from "./entry.ts";

export const images: readonly Entry[] = [
  {
    name: "build",
    summary: "Build an image from a Dockerfile",
    load: async () => (await import("../commands/image/build.ts")).build,
    top: "build",
  },
  {
    name: "copy",
    summary: "Copy an image between registries, archives, layouts and engines",
    load: async () => (await import("../commands/image-copy/copy.ts")).copy,
  },
  {
    name: "diff",
    summary: "Show the files in which two images differ",
    load: async () => (await import("../commands/image/diff.ts")).diff,
  },
  {
    name: "history",
    summary: "Show the history of an image",
    load: async () => (await import("../commands/image/history.ts")).history,
    top: "history",
  },
  {
    name: "import",
    summary: "Create an image from a tar archive of a filesystem",
    load: async () => (await import("../commands/image/import.ts")).importImage,
    top: "import",
  },
  {
    name: "inspect",
    summary: "Display detailed information on one or more images",
    load: async () => (await import("../commands/image/inspect.ts")).inspect,
  },
  {
    name: "load",
    summary: "Load images from an archive or standard input",
    load: async () => (await import("../commands/image/load.ts")).load,
    top: "load",
  },
  {
    name: "ls",
    summary: "List images",
    load: async () => (await import("../commands/image/ls.ts")).ls,
    aliases: ["list"],
    top: "images",
  },
  {
    name: "mount",
    summary: "Mount an image's files read-only on the host",
    load: async () => (await import("../commands/image/mount.ts")).mount,
  },
  {
    name: "prune",
    summary: "Remove unused images",
    load: async () => (await import("../commands/image/prune.ts")).prune,
  },
  {
    name: "pull",
    summary: "Download an image from a registry",
    load: async () => (await import("../commands/image/pull.ts")).pull,
    top: "pull",
  },
  {
    name: "push",
    summary: "Upload an image to a registry",
    load: async () => (await import("../commands/image/push.ts")).push,
    top: "push",
  },
  {
    name: "rm",
    summary: "Remove one or more images",
    load: async () => (await import("../commands/image/rm.ts")).rm,
    aliases: ["remove"],
    top: "rmi",
  },
  {
    name: "save",
    summary: "Save images to an archive or standard output",
    load: async () => (await import("../commands/image/save.ts")).save,
    top: "save",
  },
  {
    name: "tag",
    summary: "Give an image another name",
    load: async () => (await import("../commands/image/tag.ts")).tag,
    top: "tag",
  },
  {
    name: "unmount",
    summary: "Unmount images",
    load: async () => (await import("../commands/image/mount.ts")).unmount,
    aliases: ["umount"],
  },
  {
    name: "verify",
    summary: "Check every byte of images against its digest",
    load: async () => (await import("../commands/image/verify.ts")).verify,
  },
];
