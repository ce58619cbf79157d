// What may come next on a command line: commands, flags, names of containers, images, networks, volumes, contexts.
// One a line, with a tab and what it is. Whatever can't be found out is left out: a shell is waiting.

import type { ContainerSummary } from "../../api/types/container.ts";
import type { ImageSummary } from "../../api/types/image.ts";
import type { Network } from "../../api/types/network.ts";
import type { VolumeListResponse } from "../../api/types/volume.ts";
import { UsageError } from "../base/errors.ts";
import { args, type Context, command, type Group, type Leaf } from "../command.ts";
import { parseFlags } from "../flags.ts";
import { globalFlags } from "../globals.ts";
import { completeByPlugin, listPlugins } from "../plugin-list.ts";
import { findPlugin } from "../plugins.ts";
import { contextStore } from "../session.ts";

export const complete = command({
  usage: "WORD...",
  args: args.any,
  verbatim: true,
  flags: {},
  async run(context, { args: words }) {
    const last = words.at(-1) ?? "";
    const offered = await byPlugin(context, words);
    for (const line of offered ?? []) context.io.stdout.line(line);
    if (offered !== undefined) return;
    for (const [word, help] of await candidates(context, context.tree, words.slice(0, -1), last))
      if (word.startsWith(last)) context.io.stdout.line(`${word}\t${help}`);
  },
});

/** What a plugin whose command this is says itself; undefined when it is none of theirs. */
async function byPlugin({ io, tree }: Context, words: readonly string[]): Promise<string[] | undefined> {
  const globals = globalsOf(io, words.slice(0, -1));
  const [name, ...more] = globals?.rest ?? [];
  if (globals === undefined || name === undefined || tree.child(name) !== undefined) return undefined;
  const file = findPlugin(name, globals);
  return file === undefined ? undefined : completeByPlugin(file, [name, ...more, words.at(-1) ?? ""], io, globals);
}

/** The flags before the command, and the words from it on; undefined while they are not whole. */
function globalsOf(io: Context["io"], words: readonly string[]) {
  try {
    const { values, changed, args: rest } = parseFlags(globalFlags(io), words, { interspersed: false });
    return { ...values, changed, rest };
  } catch (thrown) {
    if (thrown instanceof UsageError) return undefined;
    throw thrown;
  }
}

type Candidate = readonly [word: string, help: string];

async function candidates(
  context: Context,
  tree: Group,
  before: readonly string[],
  last: string,
): Promise<Candidate[]> {
  let node: Leaf | Group = tree;
  const path: string[] = [];
  for (const word of before) {
    if (node.kind !== "group") break;
    const next: Leaf | Group | undefined = node.child(word);
    if (next === undefined) continue;
    node = next;
    path.push(next.name);
  }
  if (node.kind === "group") {
    const plugins = node === tree ? await listPlugins(context.io, context.globals, tree) : [];
    return [
      ...node.children.filter((child) => !child.hidden).map((child): Candidate => [child.name, child.summary]),
      ...plugins.flatMap(({ Name, ShortDescription = "", Err }): Candidate[] =>
        Err === undefined ? [[Name, ShortDescription]] : [],
      ),
    ];
  }
  if (last.startsWith("-")) return flagsOf(context, node);
  return await names(context, node.paths[0] ?? path.join(" "));
}

async function flagsOf({ io }: Context, leaf: Leaf): Promise<Candidate[]> {
  const loaded = await leaf.load();
  const flags = typeof loaded.flags === "function" ? loaded.flags(io) : loaded.flags;
  return Object.entries(flags)
    .filter(([, each]) => each.hidden !== true)
    .map(([name, each]): Candidate => [`--${name}`, each.help.split("\n")[0] ?? ""]);
}

/** Commands whose arguments are containers, of any state; the rest of the table is by subject. */
const IMAGES = new Set(["container run", "container create"]);
const NO_NAMES = new Set([
  "container prune",
  "container ls",
  "image prune",
  "image import",
  "image load",
  "network prune",
  "network create",
  "volume prune",
  "volume create",
  "context create",
]);

async function names(context: Context, path: string): Promise<Candidate[]> {
  if (NO_NAMES.has(path)) return [];
  const [subject] = path.split(" ");
  try {
    if (IMAGES.has(path) || subject === "image") return await images(context);
    if (subject === "container") return await containers(context);
    if (subject === "network")
      return [
        ...(await networks(context)),
        ...(path === "network connect" || path === "network disconnect" ? await containers(context) : []),
      ];
    if (subject === "volume") return await volumes(context);
    if (subject === "context")
      return contextStore(context)
        .list()
        .map(({ Name }): Candidate => [Name, "context"]);
    if (subject === "inspect")
      return [
        ...(await containers(context)),
        ...(await images(context)),
        ...(await networks(context)),
        ...(await volumes(context)),
      ];
  } catch {
    // No engine, no names.
  }
  return [];
}

async function containers({ engine }: Context): Promise<Candidate[]> {
  const list = await engine.json<ContainerSummary[]>("GET", "/containers/json", { query: { all: true } });
  return list.flatMap(({ Names = [], Status = "" }) =>
    Names.slice(0, 1).map((name): Candidate => [name.replace(/^\//, ""), Status]),
  );
}

async function images({ engine }: Context): Promise<Candidate[]> {
  const list = await engine.json<ImageSummary[]>("GET", "/images/json");
  return list.flatMap(({ RepoTags }) => (RepoTags ?? []).map((name): Candidate => [name, "image"]));
}

async function networks({ engine }: Context): Promise<Candidate[]> {
  const list = await engine.json<Network[]>("GET", "/networks");
  return list.map(({ Name = "", Driver = "" }): Candidate => [Name, Driver]);
}

async function volumes({ engine }: Context): Promise<Candidate[]> {
  const { Volumes } = await engine.json<VolumeListResponse>("GET", "/volumes");
  return (Volumes ?? []).map(({ Name, Driver }): Candidate => [Name, Driver]);
}
