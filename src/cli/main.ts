// The client: from argv to an exit code. Finds the command, reads its flags, runs it, and says what went wrong with the
// texts and exit codes that scripts know from docker.

import { HoyError } from "../base/error.ts";
import { ExitError, messageOf, UsageError } from "./base/errors.ts";
import type { Command, Context, Group, Leaf } from "./command.ts";
import { flag } from "./flag.ts";
import { type Flags, parseFlags } from "./flags.ts";
import { checkGlobals, type Globals, globalFlags } from "./globals.ts";
import { type CliIo, processIo } from "./io.ts";
import { lazyContext } from "./session.ts";
import { tree } from "./tree.ts";
import { usageLines } from "./usage.ts";

/**
 * The client of this process; `program` is the name it was called by. Ends the process: a standard input that somebody
 * still holds open, or an idle connection, must not keep a command alive that is done.
 */
export async function runClient(argv: readonly string[], program: string): Promise<number> {
  return process.exit(await runCli(argv, processIo(program)));
}

/** One command line over any streams and environment. Never throws. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const code = await runGuarded(argv, io);
  await io.stdout.flush();
  await io.stderr.flush();
  io.stdin.release();
  return code === 0 && io.stdout.failure !== undefined ? outputLost(io, io.stdout.failure) : code;
}

async function runGuarded(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (thrown) {
    return report(thrown, io);
  }
}

/** Prints what was thrown; the exit code. */
function report(thrown: unknown, io: CliIo): number {
  if (thrown instanceof ExitError) {
    if (thrown.message !== "") io.stderr.line(thrown.message);
    return thrown.exitCode;
  }
  if (isBrokenPipe(thrown)) return BROKEN_PIPE;
  io.stderr.line(messageOf(thrown));
  if (thrown instanceof HoyError && thrown.hint !== undefined) io.stderr.line(thrown.hint);
  return 1;
}

/** As a shell shows a death by SIGPIPE: who read our output has gone, and needs no telling. */
const BROKEN_PIPE = 141;

const isBrokenPipe = (thrown: unknown) => thrown instanceof Error && "code" in thrown && thrown.code === "EPIPE";

function outputLost(io: CliIo, failure: Error): number {
  if (isBrokenPipe(failure)) return BROKEN_PIPE;
  io.stderr.line(`write to standard output failed: ${failure.message}`);
  return 1;
}

async function dispatch(argv: readonly string[], io: CliIo): Promise<number> {
  const specs = { ...globalFlags(io), help: helpFlag };
  const { values, changed, args } = orUsage(
    () => parseFlags(specs, argv, { interspersed: false }),
    io.program,
    tree,
    "",
  );
  const globals: Globals = { ...values, changed };
  const [first, ...rest] = args;
  if (globals.version) return showVersion(io);
  if (first === undefined) {
    return showRoot(io, values.help, globals);
  }
  if (first === "help") return showTopic(io, rest, globals, argv);
  if (values.help) return showTopic(io, args, globals, argv);
  const found = find(tree, args);
  if (found.node === tree) await tryPlugin(argv, first, io, globals);
  if (found.rest.length > 0 && found.node.kind === "group")
    return await groupCall(io, found.node, found.path, found.rest);
  if (found.node.kind === "group") return showGroup(io, found.node, found.path, false);
  checkGlobals(globals);
  return runLeaf(found.node, found.path, found.rest, io, globals);
}

/** Returns when no plugin has this name. */
async function tryPlugin(argv: readonly string[], name: string, io: CliIo, globals: Globals): Promise<void> {
  const { becomePlugin, findPlugin } = await import("./plugins.ts");
  const file = findPlugin(name, globals);
  if (file !== undefined) becomePlugin(file, argv, io, globals);
}

const helpFlag = flag.bool("Print usage");

interface Found {
  readonly node: Leaf | Group;
  readonly path: string;
  readonly rest: readonly string[];
}

/** Walks down the tree as far as words match. */
function find(root: Group, words: readonly string[]): Found {
  let node: Leaf | Group = root;
  const path: string[] = [];
  let rest = words;
  while (node.kind === "group") {
    const [word] = rest;
    const next: Leaf | Group | undefined = word === undefined ? undefined : node.child(word);
    if (next === undefined) break;
    path.push(next.name);
    node = next;
    rest = rest.slice(1);
  }
  return { node, path: path.join(" "), rest };
}

/** A group followed by something that is none of its commands: a flag, or a mistake. */
async function groupCall(io: CliIo, group: Group, path: string, rest: readonly string[]): Promise<number> {
  const { values, args } = orUsage(
    () => parseFlags({ help: helpFlag }, rest, { interspersed: true }),
    io.program,
    group,
    path,
  );
  if (values.help) return showGroup(io, group, path, true);
  const [word] = args;
  if (word === undefined) return showGroup(io, group, path, false);
  const { unknownCommand } = await import("./help/suggest.ts");
  throw unknownCommand(io.program, group, path, word);
}

async function runLeaf(
  leaf: Leaf,
  path: string,
  argv: readonly string[],
  io: CliIo,
  globals: Globals,
): Promise<number> {
  const loaded = await leaf.load();
  const declared = typeof loaded.flags === "function" ? loaded.flags(io) : loaded.flags;
  const short = Object.values(declared).some((each) => each.short === "h");
  const specs: Flags = { ...declared, help: short ? helpFlag : { ...helpFlag, short: "h" } };
  const { values, changed, args } = orUsage(
    () => parseFlags(specs, loaded.verbatim ? ["--", ...argv] : argv, { interspersed: loaded.interspersed ?? true }),
    io.program,
    loaded,
    path,
  );
  if (values.help === true) {
    const { commandHelp } = await import("./help/page.ts");
    io.stdout.print(commandHelp(io, leaf, loaded, path, declared));
    return 0;
  }
  checkArgs(loaded, io.program, path, args.length);
  const context: Context = lazyContext(io, path, globals, tree);
  const code = await loaded.run(context, { flags: values, changed, args });
  return code ?? 0;
}

/** Flag errors end with usage and exit code 125. */
function orUsage<T>(parse: () => T, program: string, node: Group | Command, path: string): T {
  try {
    return parse();
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    const words = [program, path].filter((word) => word !== "").join(" ");
    const lines = `${thrown.message}\n\nUsage:  ${usageLine(node, program, path)}\n\nRun '${words} --help' for more information`;
    throw new ExitError(125, lines);
  }
}

function usageLine(node: Group | Command, program: string, path: string): string {
  if (!("usage" in node)) return path === "" ? `${program} [OPTIONS] COMMAND [ARG...]` : `${program} ${path}`;
  return usageLines(node, program, path).join("\n\t");
}

function checkArgs(loaded: Command, program: string, path: string, count: number): void {
  const { min, max } = loaded.args;
  if (count >= min && count <= max) return;
  const words = `${program} ${path}`;
  const plural = (number: number) => `argument${number === 1 ? "" : "s"}`;
  const wanted =
    max === 0
      ? "accepts no arguments"
      : min === max
        ? `requires ${min} ${plural(min)}`
        : max === Number.POSITIVE_INFINITY
          ? `requires at least ${min} ${plural(min)}`
          : min === 0
            ? `requires at most ${max} ${plural(max)}`
            : `requires at least ${min} and at most ${max} ${plural(max)}`;
  const verb = max === Number.POSITIVE_INFINITY ? "See" : "Run";
  throw new ExitError(
    1,
    `${program}: '${words}' ${wanted}\n\nUsage:  ${usageLine(loaded, program, path)}\n\n${verb} '${words} --help' for more information`,
  );
}

async function showVersion(io: CliIo): Promise<number> {
  const { build } = await import("../base/version.ts");
  const name = io.program === "docker" ? "Docker" : "hoy";
  io.stdout.line(`${name} version ${build.version}, build ${build.commit === "" ? "unknown" : build.commit}`);
  return 0;
}

/** A group's page: asked for, it is the output; else a reminder on standard error. */
async function showGroup(io: CliIo, group: Group, path: string, asked: boolean): Promise<number> {
  const { groupHelp } = await import("./help/page.ts");
  const out = asked ? io.stdout : io.stderr;
  out.print(groupHelp(io, out, group, path));
  return 0;
}

/** The program's own page, with the plugins that are there. */
async function showRoot(io: CliIo, asked: boolean, globals: Globals): Promise<number> {
  const [{ rootHelp }, { listPlugins }] = await Promise.all([import("./help/page.ts"), import("./plugin-list.ts")]);
  const out = asked ? io.stdout : io.stderr;
  out.print(rootHelp(io, out, tree, globalFlags(io), await listPlugins(io, globals, tree)));
  return 0;
}

async function showTopic(
  io: CliIo,
  words: readonly string[],
  globals: Globals,
  argv: readonly string[],
): Promise<number> {
  const topic = words.filter((word) => !word.startsWith("-"));
  const [first] = topic;
  if (first === undefined) return showRoot(io, true, globals);
  const { node, path, rest } = find(tree, topic);
  if (path === "") await tryPlugin(argv, first, io, globals);
  if (path === "") throw new ExitError(1, `unknown help topic: ${topic.join(" ")}`);
  if (node.kind === "group") {
    if (rest.length > 0) throw new ExitError(1, `unknown help topic: ${topic.join(" ")}`);
    return showGroup(io, node, path, true);
  }
  const loaded = await node.load();
  const { commandHelp } = await import("./help/page.ts");
  io.stdout.print(
    commandHelp(io, node, loaded, path, typeof loaded.flags === "function" ? loaded.flags(io) : loaded.flags),
  );
  return 0;
}
