// Every command there is: its words, one line of what it does, and where its code is (loaded when called). Top-level
// commands are the ones of the groups under their short names.

import type { Command, Group, Leaf } from "./command.ts";

interface LeafOptions {
  readonly aliases?: readonly string[];
  /** Also at the top, under this name. */
  readonly top?: string;
  readonly hidden?: boolean;
}

type Loader = () => Promise<unknown>;

interface Entry {
  readonly leaf: Leaf;
  readonly top: Leaf | undefined;
}

/** `load` resolves to the command; its type is erased here, as its flags differ from command to command. */
function entry(group: string, name: string, summary: string, load: Loader, options: LeafOptions = {}): Entry {
  const { aliases = [], top, hidden = false } = options;
  const paths = [name, ...aliases].map((word) => `${group} ${word}`);
  if (top !== undefined) paths.push(top);
  const leaf: Leaf = {
    kind: "command",
    name,
    aliases,
    summary,
    paths,
    hidden,
    load: async () => (await load()) as Command,
  };
  return { leaf, top: top === undefined ? undefined : { ...leaf, name: top, aliases: [] } };
}

function single(name: string, summary: string, load: Loader, hidden = false): Leaf {
  return {
    kind: "command",
    name,
    aliases: [],
    summary,
    paths: [name],
    hidden,
    load: async () => (await load()) as Command,
  };
}

function group(name: string, summary: string, entries: readonly Entry[], hidden = false): Group {
  return { kind: "group", name, aliases: [], summary, hidden, children: entries.map(({ leaf }) => leaf) };
}

const containers = [
  entry(
    "container",
    "attach",
    "Attach to a running container's input and output",
    async () => (await import("./commands/container/attach.ts")).attach,
    { top: "attach" },
  ),
  entry(
    "container",
    "commit",
    "Create a new image from a container's changes",
    async () => (await import("./commands/container/commit.ts")).commit,
    { top: "commit" },
  ),
  entry(
    "container",
    "cp",
    "Copy files between a container and this machine",
    async () => (await import("./commands/container/cp.ts")).cp,
    { top: "cp" },
  ),
  entry(
    "container",
    "create",
    "Create a new container",
    async () => (await import("./commands/container/create.ts")).create,
    { top: "create" },
  ),
  entry(
    "container",
    "diff",
    "List changes to files in a container's filesystem",
    async () => (await import("./commands/container/diff.ts")).diff,
    { top: "diff" },
  ),
  entry(
    "container",
    "exec",
    "Execute a command in a running container",
    async () => (await import("./commands/container/exec.ts")).exec,
    { top: "exec" },
  ),
  entry(
    "container",
    "export",
    "Export a container's filesystem as a tar archive",
    async () => (await import("./commands/container/export.ts")).exportContainer,
    { top: "export" },
  ),
  entry(
    "container",
    "inspect",
    "Display detailed information on one or more containers",
    async () => (await import("./commands/container/inspect.ts")).inspect,
  ),
  entry(
    "container",
    "kill",
    "Kill one or more running containers",
    async () => (await import("./commands/container/kill.ts")).kill,
    { top: "kill" },
  ),
  entry(
    "container",
    "logs",
    "Fetch the logs of a container",
    async () => (await import("./commands/container/logs.ts")).logs,
    { top: "logs" },
  ),
  entry("container", "ls", "List containers", async () => (await import("./commands/container/ls.ts")).ls, {
    aliases: ["list", "ps"],
    top: "ps",
  }),
  entry(
    "container",
    "pause",
    "Pause all processes within one or more containers",
    async () => (await import("./commands/container/pause.ts")).pause,
    { top: "pause" },
  ),
  entry(
    "container",
    "port",
    "List port mappings of a container",
    async () => (await import("./commands/container/port.ts")).port,
    { top: "port" },
  ),
  entry(
    "container",
    "prune",
    "Remove all stopped containers",
    async () => (await import("./commands/container/prune.ts")).prune,
  ),
  entry(
    "container",
    "rename",
    "Rename a container",
    async () => (await import("./commands/container/rename.ts")).rename,
    { top: "rename" },
  ),
  entry(
    "container",
    "restart",
    "Restart one or more containers",
    async () => (await import("./commands/container/restart.ts")).restart,
    { top: "restart" },
  ),
  entry(
    "container",
    "rm",
    "Remove one or more containers",
    async () => (await import("./commands/container/rm.ts")).rm,
    { aliases: ["remove"], top: "rm" },
  ),
  entry(
    "container",
    "run",
    "Create and run a new container from an image",
    async () => (await import("./commands/container/run.ts")).run,
    { top: "run" },
  ),
  entry(
    "container",
    "start",
    "Start one or more stopped containers",
    async () => (await import("./commands/container/start.ts")).start,
    { top: "start" },
  ),
  entry(
    "container",
    "stats",
    "Display a live stream of resource usage",
    async () => (await import("./commands/container/stats.ts")).stats,
    { top: "stats" },
  ),
  entry(
    "container",
    "stop",
    "Stop one or more running containers",
    async () => (await import("./commands/container/stop.ts")).stop,
    { top: "stop" },
  ),
  entry(
    "container",
    "top",
    "Display the running processes of a container",
    async () => (await import("./commands/container/top.ts")).top,
    { top: "top" },
  ),
  entry(
    "container",
    "unpause",
    "Unpause all processes within one or more containers",
    async () => (await import("./commands/container/pause.ts")).unpause,
    { top: "unpause" },
  ),
  entry(
    "container",
    "update",
    "Update limits of one or more containers",
    async () => (await import("./commands/container/update.ts")).update,
    { top: "update" },
  ),
  entry(
    "container",
    "wait",
    "Wait until containers stop, then print their exit codes",
    async () => (await import("./commands/container/wait.ts")).wait,
    { top: "wait" },
  ),
];

const images = [
  entry(
    "image",
    "build",
    "Build an image from a Dockerfile",
    async () => (await import("./commands/image/build.ts")).build,
    { top: "build" },
  ),
  entry(
    "image",
    "history",
    "Show the history of an image",
    async () => (await import("./commands/image/history.ts")).history,
    { top: "history" },
  ),
  entry(
    "image",
    "import",
    "Create an image from a tar archive of a filesystem",
    async () => (await import("./commands/image/import.ts")).importImage,
    { top: "import" },
  ),
  entry(
    "image",
    "inspect",
    "Display detailed information on one or more images",
    async () => (await import("./commands/image/inspect.ts")).inspect,
  ),
  entry(
    "image",
    "load",
    "Load images from an archive or standard input",
    async () => (await import("./commands/image/load.ts")).load,
    { top: "load" },
  ),
  entry("image", "ls", "List images", async () => (await import("./commands/image/ls.ts")).ls, {
    aliases: ["list"],
    top: "images",
  }),
  entry("image", "prune", "Remove unused images", async () => (await import("./commands/image/prune.ts")).prune),
  entry(
    "image",
    "pull",
    "Download an image from a registry",
    async () => (await import("./commands/image/pull.ts")).pull,
    { top: "pull" },
  ),
  entry("image", "push", "Upload an image to a registry", async () => (await import("./commands/image/push.ts")).push, {
    top: "push",
  }),
  entry("image", "rm", "Remove one or more images", async () => (await import("./commands/image/rm.ts")).rm, {
    aliases: ["remove"],
    top: "rmi",
  }),
  entry(
    "image",
    "save",
    "Save images to an archive or standard output",
    async () => (await import("./commands/image/save.ts")).save,
    { top: "save" },
  ),
  entry("image", "tag", "Give an image another name", async () => (await import("./commands/image/tag.ts")).tag, {
    top: "tag",
  }),
];

const networks = [
  entry(
    "network",
    "connect",
    "Connect a container to a network",
    async () => (await import("./commands/network/connect.ts")).connect,
  ),
  entry("network", "create", "Create a network", async () => (await import("./commands/network/create.ts")).create),
  entry(
    "network",
    "disconnect",
    "Disconnect a container from a network",
    async () => (await import("./commands/network/disconnect.ts")).disconnect,
  ),
  entry(
    "network",
    "inspect",
    "Display detailed information on one or more networks",
    async () => (await import("./commands/network/inspect.ts")).inspect,
  ),
  entry("network", "ls", "List networks", async () => (await import("./commands/network/ls.ts")).ls, {
    aliases: ["list"],
  }),
  entry(
    "network",
    "prune",
    "Remove all unused networks",
    async () => (await import("./commands/network/prune.ts")).prune,
  ),
  entry("network", "rm", "Remove one or more networks", async () => (await import("./commands/network/rm.ts")).rm, {
    aliases: ["remove"],
  }),
];

const volumes = [
  entry("volume", "create", "Create a volume", async () => (await import("./commands/volume/create.ts")).create),
  entry(
    "volume",
    "inspect",
    "Display detailed information on one or more volumes",
    async () => (await import("./commands/volume/inspect.ts")).inspect,
  ),
  entry("volume", "ls", "List volumes", async () => (await import("./commands/volume/ls.ts")).ls, {
    aliases: ["list"],
  }),
  entry(
    "volume",
    "prune",
    "Remove unused local volumes",
    async () => (await import("./commands/volume/prune.ts")).prune,
  ),
  entry("volume", "rm", "Remove one or more volumes", async () => (await import("./commands/volume/rm.ts")).rm, {
    aliases: ["remove"],
  }),
];

const system = [
  entry("system", "df", "Show disk usage", async () => (await import("./commands/system/df.ts")).df),
  entry(
    "system",
    "dial-stdio",
    "Connect standard input and output to the engine",
    async () => (await import("./commands/system/dial-stdio.ts")).dialStdio,
    { hidden: true },
  ),
  entry(
    "system",
    "events",
    "Get real time events from the engine",
    async () => (await import("./commands/system/events.ts")).events,
    { top: "events" },
  ),
  entry(
    "system",
    "info",
    "Display system-wide information",
    async () => (await import("./commands/system/info.ts")).info,
    { top: "info" },
  ),
  entry("system", "prune", "Remove unused data", async () => (await import("./commands/system/prune.ts")).prune),
];

const contexts = [
  entry("context", "create", "Create a context", async () => (await import("./commands/context/create.ts")).create),
  entry(
    "context",
    "export",
    "Export a context to a tar archive",
    async () => (await import("./commands/context/export.ts")).exportContext,
  ),
  entry(
    "context",
    "import",
    "Import a context from a tar archive",
    async () => (await import("./commands/context/import.ts")).importContext,
  ),
  entry(
    "context",
    "inspect",
    "Display detailed information on one or more contexts",
    async () => (await import("./commands/context/inspect.ts")).inspect,
  ),
  entry("context", "ls", "List contexts", async () => (await import("./commands/context/ls.ts")).ls, {
    aliases: ["list"],
  }),
  entry("context", "rm", "Remove one or more contexts", async () => (await import("./commands/context/rm.ts")).rm, {
    aliases: ["remove"],
  }),
  entry(
    "context",
    "show",
    "Print the name of the current context",
    async () => (await import("./commands/context/show.ts")).show,
  ),
  entry("context", "update", "Update a context", async () => (await import("./commands/context/update.ts")).update),
  entry("context", "use", "Set the current context", async () => (await import("./commands/context/use.ts")).use),
];

const all = [...containers, ...images, ...networks, ...volumes, ...system, ...contexts];

export const tree: Group = {
  kind: "group",
  name: "",
  aliases: [],
  summary: "",
  hidden: false,
  children: [
    ...all.flatMap(({ top }) => top ?? []),
    single("inspect", "Show what is known of any object", async () => (await import("./commands/inspect.ts")).inspect),
    single(
      "version",
      "Show the versions of client and engine",
      async () => (await import("./commands/system/version.ts")).version,
    ),
    single("login", "Authenticate to a registry", async () => (await import("./commands/registry/login.ts")).login),
    single("logout", "Log out from a registry", async () => (await import("./commands/registry/logout.ts")).logout),
    single(
      "search",
      "Search a registry for images",
      async () => (await import("./commands/registry/search.ts")).search,
    ),
    single(
      "completion",
      "Generate the completion script for a shell",
      async () => (await import("./commands/completion.ts")).completion,
    ),
    single(
      "__complete",
      "Words that may come next, for the completion scripts",
      async () => (await import("./commands/complete.ts")).complete,
      true,
    ),
    group("container", "Manage containers", containers),
    group("context", "Manage contexts", contexts),
    group("image", "Manage images", images),
    group("network", "Manage networks", networks),
    group("system", "Manage the engine", system),
    group("volume", "Manage volumes", volumes),
  ],
};
