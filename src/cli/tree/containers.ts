// `container …`, and most of the top level.

import type { Entry } from "./entry.ts";

export const containers: readonly Entry[] = [
  {
    name: "attach",
    summary: "Attach to a running container's input and output",
    load: async () => (await import("../commands/container/attach.ts")).attach,
    top: "attach",
  },
  {
    name: "commit",
    summary: "Create a new image from a container's changes",
    load: async () => (await import("../commands/container/commit.ts")).commit,
    top: "commit",
  },
  {
    name: "cp",
    summary: "Copy files between a container and this machine",
    load: async () => (await import("../commands/container/cp.ts")).cp,
    top: "cp",
  },
  {
    name: "create",
    summary: "Create a new container",
    load: async () => (await import("../commands/container/create.ts")).create,
    top: "create",
  },
  {
    name: "diff",
    summary: "List changes to files in a container's filesystem",
    load: async () => (await import("../commands/container/diff.ts")).diff,
    top: "diff",
  },
  {
    name: "exec",
    summary: "Execute a command in a running container",
    load: async () => (await import("../commands/container/exec.ts")).exec,
    top: "exec",
  },
  {
    name: "export",
    summary: "Export a container's filesystem as a tar archive",
    load: async () => (await import("../commands/container/export.ts")).exportContainer,
    top: "export",
  },
  {
    name: "inspect",
    summary: "Display detailed information on one or more containers",
    load: async () => (await import("../commands/container/inspect.ts")).inspect,
  },
  {
    name: "kill",
    summary: "Kill one or more running containers",
    load: async () => (await import("../commands/container/kill.ts")).kill,
    top: "kill",
  },
  {
    name: "logs",
    summary: "Fetch the logs of a container",
    load: async () => (await import("../commands/container/logs.ts")).logs,
    top: "logs",
  },
  {
    name: "ls",
    summary: "List containers",
    load: async () => (await import("../commands/container/ls.ts")).ls,
    aliases: ["list", "ps"],
    top: "ps",
  },
  {
    name: "pause",
    summary: "Pause all processes within one or more containers",
    load: async () => (await import("../commands/container/pause.ts")).pause,
    top: "pause",
  },
  {
    name: "port",
    summary: "List port mappings of a container",
    load: async () => (await import("../commands/container/port.ts")).port,
    top: "port",
  },
  {
    name: "prune",
    summary: "Remove all stopped containers",
    load: async () => (await import("../commands/container/prune.ts")).prune,
  },
  {
    name: "rename",
    summary: "Rename a container",
    load: async () => (await import("../commands/container/rename.ts")).rename,
    top: "rename",
  },
  {
    name: "restart",
    summary: "Restart one or more containers",
    load: async () => (await import("../commands/container/restart.ts")).restart,
    top: "restart",
  },
  {
    name: "rm",
    summary: "Remove one or more containers",
    load: async () => (await import("../commands/container/rm.ts")).rm,
    aliases: ["remove"],
    top: "rm",
  },
  {
    name: "run",
    summary: "Create and run a new container from an image",
    load: async () => (await import("../commands/container/run.ts")).run,
    top: "run",
  },
  {
    name: "start",
    summary: "Start one or more stopped containers",
    load: async () => (await import("../commands/container/start.ts")).start,
    top: "start",
  },
  {
    name: "stats",
    summary: "Display a live stream of resource usage",
    load: async () => (await import("../commands/container/stats.ts")).stats,
    top: "stats",
  },
  {
    name: "stop",
    summary: "Stop one or more running containers",
    load: async () => (await import("../commands/container/stop.ts")).stop,
    top: "stop",
  },
  {
    name: "top",
    summary: "Display the running processes of a container",
    load: async () => (await import("../commands/container/top.ts")).top,
    top: "top",
  },
  {
    name: "unpause",
    summary: "Unpause all processes within one or more containers",
    load: async () => (await import("../commands/container/pause.ts")).unpause,
    top: "unpause",
  },
  {
    name: "update",
    summary: "Update limits of one or more containers",
    load: async () => (await import("../commands/container/update.ts")).update,
    top: "update",
  },
  {
    name: "wait",
    summary: "Wait until containers stop, then print their exit codes",
    load: async () => (await import("../commands/container/wait.ts")).wait,
    top: "wait",
  },
];
