// `network …` and `volume …`.

import { entry } from "./entry.ts";

export const networks = [
  entry(
    "network",
    "connect",
    "Connect a container to a network",
    async () => (await import("../commands/network/connect.ts")).connect,
  ),
  entry("network", "create", "Create a network", async () => (await import("../commands/network/create.ts")).create),
  entry(
    "network",
    "disconnect",
    "Disconnect a container from a network",
    async () => (await import("../commands/network/disconnect.ts")).disconnect,
  ),
  entry(
    "network",
    "inspect",
    "Display detailed information on one or more networks",
    async () => (await import("../commands/network/inspect.ts")).inspect,
  ),
  entry("network", "ls", "List networks", async () => (await import("../commands/network/ls.ts")).ls, {
    aliases: ["list"],
  }),
  entry(
    "network",
    "prune",
    "Remove all unused networks",
    async () => (await import("../commands/network/prune.ts")).prune,
  ),
  entry("network", "rm", "Remove one or more networks", async () => (await import("../commands/network/rm.ts")).rm, {
    aliases: ["remove"],
  }),
];

export const volumes = [
  entry(
    "volume",
    "cp",
    "Copy files/folders between a volume and the local filesystem",
    async () => (await import("../commands/volume/cp.ts")).cp,
  ),
  entry("volume", "create", "Create a volume", async () => (await import("../commands/volume/create.ts")).create),
  entry(
    "volume",
    "inspect",
    "Display detailed information on one or more volumes",
    async () => (await import("../commands/volume/inspect.ts")).inspect,
  ),
  entry("volume", "ls", "List volumes", async () => (await import("../commands/volume/ls.ts")).ls, {
    aliases: ["list"],
  }),
  entry(
    "volume",
    "prune",
    "Remove unused local volumes",
    async () => (await import("../commands/volume/prune.ts")).prune,
  ),
  entry("volume", "rename", "Rename a volume", async () => (await import("../commands/volume/rename.ts")).rename),
  entry(
    "volume",
    "restore",
    "Give a volume the contents of a snapshot",
    async () => (await import("../commands/volume/restore.ts")).restore,
  ),
  entry("volume", "rm", "Remove one or more volumes", async () => (await import("../commands/volume/rm.ts")).rm, {
    aliases: ["remove"],
  }),
  entry(
    "volume",
    "snapshot",
    "Keep a volume's contents as they are now",
    async () => (await import("../commands/volume/snapshot.ts")).snapshot,
  ),
];
