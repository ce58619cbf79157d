// Writes the table of the daemon's options into docs/configuration.md, from the tables the daemon reads them by. With
// --check it only says whether the page is up to date.

import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Option } from "../src/daemon/options/option.ts";
import { options } from "../src/daemon/options/table.ts";

const PAGE = join(resolve(import.meta.dir, ".."), "docs/configuration.md");
const BEGIN = "<!-- options: made by scripts/options-table.ts; a test compares -->\n";
const END = "<!-- end of options -->";

/** The page with its table made anew. */
export function withTable(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  const rule = "| flag | key in daemon.json | what it is | default |\n|---|---|---|---|\n";
  return `${page.slice(0, begin)}${BEGIN}\n${rule}${options.map(row).join("\n")}\n\n${page.slice(end)}`;
}

function row(option: Option): string {
  const flag = option.flag === undefined ? "" : `${option.short ? `\`-${option.short}\` ` : ""}\`--${option.flag}\``;
  const key = option.key === undefined ? "" : `\`${option.key}\``;
  const standing = option.standing ?? { kind: "used" };
  const note =
    standing.kind === "used"
      ? ""
      : standing.kind === "missing"
        ? `; not there: ${standing.why}`
        : `; no effect: ${standing.why}`;
  return `| ${flag} | ${key}${option.reload ? " ↻" : ""} | ${option.help.replaceAll("|", "\\|")}${note} | ${fallback(option)} |`;
}

function fallback({ fallback: value }: Option): string {
  if (value === undefined || value === "") return "";
  return typeof value === "object" ? "" : `\`${value}\``;
}

if (import.meta.main) {
  const page = readFileSync(PAGE, "utf8");
  const next = withTable(page);
  if (!process.argv.includes("--check")) writeFileSync(PAGE, next);
  else if (next !== page) {
    console.error("docs/configuration.md is not up to date: run npx bun scripts/options-table.ts");
    process.exit(1);
  }
}
