// `network …` and `volume …`.

import type { Entry } from "./entry.ts";

export const networks: readonly Entry[] = [
  {
    name: "connect",
    summary: "Connect a container to a network",
    load: async () => (await import("../commands/network/connect.ts")).connect,
  },
  {
    name: "create",
    summary: "Create a network",
    load: async () => (await import("../commands/network/create.ts")).create,
  },
  {
    name: "disconnect",
    summary: "Disconnect a container from a network",
    load: async () => (await import("../commands/network/disconnect.ts")).disconnect,
  },
  {
    name: "inspect",
    summary: "Display detailed information on one or more networks",
    load: async () => (await import("../commands/network/inspect.ts")).inspect,
  },
  {
    name: "ls",
    summary: "List networks",
    load: async () => (await import("../commands/network/ls.ts")).ls,
    aliases: ["list"],
  },
  {
    name: "prune",
    summary: "Remove all unused networks",
    load: async () => (await import("../commands/network/prune.ts")).prune,
  },
  {
    name: "rm",
    summary: "Remove one or more networks",
    load: async () => (await import("../commands/network/rm.ts")).rm,
    aliases: ["remove"],
  },
];

export const volumes: readonly Entry[] = [
  {
    name: "cp",
    summary: "Copy files/folders between a volume and the local filesystem",
    load: async () => (await import("../commands/volume/cp.ts")).cp,
  },
  {
    name: "create",
    summary: "Create a volume",
    load: async () => (await import("../commands/volume/create.ts")).create,
  },
  {
    name: "inspect",
    summary: "Display detailed information on one or more volumes",
    load: async () => (await import("../commands/volume/inspect.ts")).inspect,
  },
  {
    name: "ls",
    summary: "List volumes",
    load: async () => (await import("../commands/volume/ls.ts")).ls,
    aliases: ["list"],
  },
  {
    name: "prune",
    summary: "Remove unused local volumes",
    load: async () => (await import("../commands/volume/prune.ts")).prune,
  },
  {
    name: "rename",
    summary: "Rename a volume",
    load: async () => (await import("../commands/volume/rename.ts")).rename,
  },
  {
    name: "resize",
    summary: "Give a volume another size",
    load: async () => (await import("../commands/volume/resize.ts")).resize,
  },
  {
    name: "restore",
    summary: "Give a volume the contents of a snapshot",
    load: async () => (await import("../commands/volume/restore.ts")).restore,
  },
  {
    name: "rm",
    summary: "Remove one or more volumes",
    load: async () => (await import("../commands/volume/rm.ts")).rm,
    aliases: ["remove"],
  },
  {
    name: "snapshot",
    summary: "Keep a volume's contents as they are now",
    load: async () => (await import("../commands/volume/snapshot.ts")).snapshot,
  },
];
