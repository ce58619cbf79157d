// Figures: medians, ratios, the table and the JSON.

import { cpus, release, totalmem } from "node:os";

export interface Row {
  readonly name: string;
  readonly unit: string;
  /** Whether less is better; else more is. */
  readonly less: boolean;
  /** By subject. */
  readonly values: Readonly<Record<string, number>>;
  /** What was asked of it, in words, and whether it holds; undefined where a peer for it is absent. */
  readonly goal?: { readonly text: string; readonly met: boolean | undefined };
  /** What is said in the goal's place where nothing was asked. */
  readonly note?: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? high)) / 2;
}

/** The table in Markdown, so that it can go into the README as it is. Ratios are hoy to the other: under 1 is less. */
export function table(rows: readonly Row[], names: readonly string[]): string {
  const head = ["", ...names, "goal"];
  const body = rows.map(({ name, unit, values, goal, note = "" }) => {
    const cells = names.map((subject) => {
      const value = values[subject];
      if (value === undefined) return "–";
      const own = values.hoy;
      const ratio = subject === "hoy" || own === undefined ? "" : ` (${show(own / value)}×)`;
      return `${show(value)} ${unit}${ratio}`;
    });
    const verdict =
      goal === undefined ? note : `${goal.text}: ${goal.met === undefined ? "not known" : goal.met ? "yes" : "no"}`;
    return [name, ...cells, verdict];
  });
  const widths = head.map((cell, column) => Math.max(cell.length, ...body.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...body.map(line)].join("\n");
}

export function show(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`;
}
