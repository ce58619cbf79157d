// `hoy daemon --help`: the options with their defaults, from the same tables that read them, in groups.

import { containerOptions } from "./options/containers.ts";
import { generalOptions } from "./options/general.ts";
import { networkOptions } from "./options/network.ts";
import type { Option, OptionType } from "./options/option.ts";

export function helpText(program: string): string {
  const groups: [string, readonly Option[]][] = [
    ["The daemon", generalOptions],
    ["Containers and storage", containerOptions],
    ["Networks and registries", networkOptions],
  ];
  const sections = groups.map(([title, rows]) => {
    const used = rows.filter((option) => option.flag !== undefined && (option.standing?.kind ?? "used") === "used");
    return `${title}:\n${used.map(helpLine).join("\n")}`;
  });
  const others = groups.flatMap(([, rows]) => rows).filter((option) => option.standing?.kind === "no-effect");
  const accepted = others.flatMap((option) => (option.flag === undefined ? [] : [`--${option.flag}`]));
  return [
    `Usage:  ${program} [OPTIONS]`,
    "The engine: keeps images, runs containers, serves Docker's API.",
    ...sections,
    `Other:
  -h, --help                        Print this
  -v, --version                     Print the version
      --validate                    Check flags and configuration file, and end`,
    `Accepted for Docker's sake, without effect:\n${wrap(accepted, 76)}`,
    "Every option but --config-file may be a key in /etc/hoy/daemon.json; see docs/configuration.md.",
  ].join("\n\n");
}

const WORDS: Readonly<Record<OptionType, string>> = {
  bool: "",
  string: "string",
  int: "int",
  bytes: "bytes",
  list: "list",
  map: "map",
  mapmap: "map",
  ulimits: "ulimit",
  runtimes: "name=path",
  pools: "pool",
  flags: "",
  object: "",
};

function helpLine(option: Option): string {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const flag = `  ${short}--${option.flag} ${WORDS[option.type]}`.trimEnd();
  const fallback = showFallback(option);
  const text = `${option.help}${fallback === "" ? "" : ` (default ${fallback})`}`;
  return flag.length > 34 ? `${flag}\n${" ".repeat(36)}${text}` : `${flag.padEnd(36)}${text}`;
}

function showFallback({ type, fallback }: Option): string {
  if (type === "bool") return fallback === true ? "true" : "";
  if (type === "bytes" && typeof fallback === "number") return `${fallback / 2 ** 20}m`;
  if (typeof fallback === "number") return String(fallback);
  return typeof fallback === "string" && fallback !== "" ? JSON.stringify(fallback) : "";
}

function wrap(words: readonly string[], width: number): string {
  const lines = [""];
  for (const word of words) {
    const line = lines.at(-1) ?? "";
    if (line.length + word.length + 3 > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line}, ${word}`;
  }
  return lines.map((line) => `  ${line}`).join("\n");
}
