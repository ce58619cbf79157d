// `system …` and `context …`.

import { entry } from "./entry.ts";

export const system = [
  entry("system", "df", "Show disk usage", async () => (await import("../commands/system/df.ts")).df),
  entry(
    "system",
    "dial-stdio",
    "Connect standard input and output to the engine",
    async () => (await import("../commands/system/dial-stdio.ts")).dialStdio,
    { hidden: true },
  ),
  entry(
    "system",
    "events",
    "Get real time events from the engine",
    async () => (await import("../commands/system/events.ts")).events,
    { top: "events" },
  ),
  entry(
    "system",
    "gc",
    "Remove what the policy no longer keeps",
    async () => (await import("../commands/system/gc.ts")).gc,
  ),
  entry(
    "system",
    "info",
    "Display system-wide information",
    async () => (await import("../commands/system/info.ts")).info,
    { top: "info" },
  ),
  entry("system", "prune", "Remove unused data", async () => (await import("../commands/system/prune.ts")).prune),
];

export const contexts = [
  entry("context", "create", "Create a context", async () => (await import("../commands/context/create.ts")).create),
  entry(
    "context",
    "export",
    "Export a context to a tar archive",
    async () => (await import("../commands/context/export.ts")).exportContext,
  ),
  entry(
    "context",
    "import",
    "Import a context from a tar archive",
    async () => (await import("../commands/context/import.ts")).importContext,
  ),
  entry(
    "context",
    "inspect",
    "Display detailed information on one or more contexts",
    async () => (await import("../commands/context/inspect.ts")).inspect,
  ),
  entry("context", "ls", "List contexts", async () => (await import("../commands/context/ls.ts")).ls, {
    aliases: ["list"],
  }),
  entry("context", "rm", "Remove one or more contexts", async () => (await import("../commands/context/rm.ts")).rm, {
    aliases: ["remove"],
  }),
  entry(
    "context",
    "show",
    "Print the name of the current context",
    async () => (await import("../commands/context/show.ts")).show,
  ),
  entry("context", "update", "Update a context", async () => (await import("../commands/context/update.ts")).update),
  entry("context", "use", "Set the current context", async () => (await import("../commands/context/use.ts")).use),
];
