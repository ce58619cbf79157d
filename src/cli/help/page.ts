// Help pages: of the program, of a group, of a command. 80 columns wide at most, two spaces in, names in one column.

import type { Output } from "../base/output.ts";
import { compareText } from "../base/text.ts";
import type { Command, Group, Leaf } from "../command.ts";
import type { Flags } from "../flags.ts";
import type { CliIo } from "../io.ts";
import type { Plugin } from "../plugin-list.ts";
import { usageLines } from "../usage.ts";
import { type Style, styleFor, wrap } from "./style.ts";

const WIDTH = 80;

/** What people do most, first; the rest under what it is about. */
const SECTIONS: readonly (readonly [title: string, names: readonly string[]])[] = [
  ["Run", ["run", "exec", "ps", "logs", "stop", "rm"]],
  ["Images", ["images", "pull", "push", "build", "load", "save", "import", "tag", "rmi", "history"]],
  [
    "Containers",
    [
      "create",
      "start",
      "restart",
      "kill",
      "pause",
      "unpause",
      "attach",
      "wait",
      "rename",
      "update",
      "cp",
      "diff",
      "commit",
      "export",
    ],
  ],
  ["Look", ["inspect", "stats", "top", "port", "events", "info", "version", "search"]],
  ["Registries", ["login", "logout"]],
];

/** @param plugins with a "*" after their names, among what is by subject; those that are none with the reason */
export function rootHelp(io: CliIo, out: Output, root: Group, globals: Flags, plugins: readonly Plugin[] = []): string {
  const style = styleFor(io, out);
  const { program } = io;
  const shown = root.children.filter((child) => !child.hidden);
  const named = new Map(shown.map((child) => [child.name, child]));
  const used = new Set(SECTIONS.flatMap(([, names]) => names));
  const groups = shown.filter((child) => child.kind === "group");
  const others = shown.filter((child) => child.kind === "command" && !used.has(child.name));
  const page = [
    `${style.heading("Usage:")}  ${program} [OPTIONS] COMMAND [ARG...]`,
    "",
    "Containers, images and registries, behind Docker's own commands.",
    "",
  ];
  for (const [title, names] of SECTIONS)
    page.push(
      ...section(
        style,
        title,
        names.flatMap((name) => named.get(name) ?? []),
      ),
    );
  const usable = plugins
    .filter(({ Err }) => Err === undefined)
    .map(({ Name, ShortDescription = "" }) => ({ name: `${Name}*`, summary: ShortDescription }));
  const subjects = [...groups, ...usable].sort((left, right) => compareText(left.name, right.name));
  page.push(...section(style, "By subject", subjects));
  if (others.length > 0) page.push(...section(style, "More", others));
  const invalid = plugins.flatMap(({ Name, Err }) => (Err === undefined ? [] : [{ name: Name, summary: Err }]));
  if (invalid.length > 0) page.push(...section(style, "Invalid plugins", invalid));
  page.push(...options(style, "Options", globals));
  page.push("", `Run '${program} COMMAND --help' for more about a command.`, "");
  return page.join("\n");
}

export function groupHelp(io: CliIo, out: Output, group: Group, path: string): string {
  const style = styleFor(io, out);
  const words = `${io.program} ${path}`;
  const page = [`${style.heading("Usage:")}  ${words} COMMAND`, "", group.summary, ""];
  page.push(
    ...section(
      style,
      "Commands",
      group.children.filter((child) => !child.hidden),
    ),
  );
  page.push(`Run '${words} COMMAND --help' for more information on a command.`, "");
  return page.join("\n");
}

export function commandHelp(io: CliIo, leaf: Leaf, loaded: Command, path: string, flags: Flags): string {
  const style = styleFor(io, io.stdout);
  const page = [`${style.heading("Usage:")}  ${usageLines(loaded, io.program, path).join("\n        ")}`, ""];
  page.push(...wrap(leaf.summary, WIDTH));
  if (loaded.details !== undefined) page.push("", ...wrap(loaded.details, WIDTH));
  if (leaf.paths.length > 1) {
    const names = leaf.paths.map((words) => `${io.program} ${words}`).join(", ");
    page.push("", style.heading("Aliases:"), ...wrap(names, WIDTH - 2).map((line) => `  ${line}`));
  }
  if (Object.values(flags).some((each) => each.hidden !== true)) page.push("", ...options(style, "Options", flags));
  return `${page.join("\n")}\n`;
}

function section(style: Style, title: string, nodes: readonly Pick<Leaf | Group, "name" | "summary">[]): string[] {
  const width = 12;
  const lines = nodes.flatMap((node) => {
    const [first = "", ...more] = wrap(node.summary, WIDTH - width - 2);
    const name = style.name(node.name) + " ".repeat(Math.max(1, width - node.name.length));
    return [`  ${name}${first}`.trimEnd(), ...more.map((line) => `  ${" ".repeat(width)}${line}`)];
  });
  return [style.heading(`${title}:`), ...lines, ""];
}

/** "  -f, --filter filter   Filter output …", as wide as the longest name wants, but never past half the page. */
function options(style: Style, title: string, flags: Flags): string[] {
  const rows = Object.entries(flags)
    .filter(([, each]) => each.hidden !== true)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, each]) => ({
      short: each.short === undefined ? "    " : `-${each.short}, `,
      long: `--${name}${each.kind === "" ? "" : ` ${each.kind}`}`,
      help: each.shown === undefined ? each.help : `${each.help} (default ${each.shown})`,
    }));
  const column = Math.min(40, Math.max(...rows.map(({ long }) => long.length)) + 3);
  const lines = rows.flatMap(({ short, long, help }) => {
    const [first = "", ...more] = wrap(help, WIDTH - column - 6);
    const gap = " ".repeat(Math.max(3, column - long.length));
    return [`  ${style.name(short + long)}${gap}${first}`, ...more.map((line) => " ".repeat(column + 6) + line)];
  });
  return [style.heading(`${title}:`), ...lines];
}
