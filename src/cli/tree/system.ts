// `system …` and `context …`.

import type { Entry } from "./entry.ts";

export const system: readonly Entry[] = [
  { name: "df", summary: "Show disk usage", load: async () => (await import("../commands/system/df.ts")).df },
  {
    name: "dial-stdio",
    summary: "Connect standard input and output to the engine",
    load: async () => (await import("../commands/system/dial-stdio.ts")).dialStdio,
    hidden: true,
  },
  {
    name: "events",
    summary: "Get real time events from the engine",
    load: async () => (await import("../commands/system/events.ts")).events,
    top: "events",
  },
  {
    name: "gc",
    summary: "Remove what the policy no longer keeps",
    load: async () => (await import("../commands/system/gc.ts")).gc,
  },
  {
    name: "info",
    summary: "Display system-wide information",
    load: async () => (await import("../commands/system/info.ts")).info,
    top: "info",
  },
  {
    name: "prune",
    summary: "Remove unused data",
    load: async () => (await import("../commands/system/prune.ts")).prune,
  },
];

export const contexts: readonly Entry[] = [
  {
    name: "create",
    summary: "Create a context",
    load: async () => (await import("../commands/context/create.ts")).create,
  },
  {
    name: "export",
    summary: "Export a context to a tar archive",
    load: async () => (await import("../commands/context/export.ts")).exportContext,
  },
  {
    name: "import",
    summary: "Import a context from a tar archive",
    load: async () => (await import("../commands/context/import.ts")).importContext,
  },
  {
    name: "inspect",
    summary: "Display detailed information on one or more contexts",
    load: async () => (await import("../commands/context/inspect.ts")).inspect,
  },
  {
    name: "ls",
    summary: "List contexts",
    load: async () => (await import("../commands/context/ls.ts")).ls,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Remove one or more contexts",
    load: async () => (await import("../commands/context/rm.ts")).rm,
    aliases: ["remove"],
  },
  {
    name: "show",
    summary: "Print the name of the current context",
    load: async () => (await import("../commands/context/show.ts")).show,
  },
  {
    name: "update",
    summary: "Update a context",
    load: async () => (await import("../commands/context/update.ts")).update,
  },
  {
    name: "use",
    summary: "Set the current context",
    load: async () => (await import("../commands/context/use.ts")).use,
  },
];
