// "Unknown command", with the nearest known one.

import { ExitError } from "../base/errors.ts";
import type { Group } from "../command.ts";

export function unknownCommand(program: string, group: Group, path: string, word: string): ExitError {
  const words = [program, path].filter((part) => part !== "").join(" ");
  const near = nearest(
    word,
    group.children.filter((child) => !child.hidden).flatMap((child) => [child.name, ...child.aliases]),
  );
  const lines = [`${program}: unknown command: ${words} ${word}`, ""];
  if (near.length > 0) lines.push("Did you mean this?", ...near.map((name) => `        ${words} ${name}`), "");
  if (path !== "") lines.push(`Usage:  ${words}`, "");
  lines.push(`Run '${words} --help' for more information`);
  return new ExitError(1, lines.join("\n"));
}

/** Names at most two edits away, or that begin with the word; nearest first. */
export function nearest(word: string, names: readonly string[]): string[] {
  return names
    .map((name) => ({ name, distance: name.startsWith(word) && word.length > 1 ? 1 : editDistance(word, name) }))
    .filter(({ name, distance }) => distance <= 2 && distance < name.length)
    .sort((left, right) => left.distance - right.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(left: string, right: string): number {
  const rows = [...Array(left.length + 1).keys()].map((row) => [row]);
  for (let column = 0; column <= right.length; column++) cell(rows, 0)[column] = column;
  for (let row = 1; row <= left.length; row++) {
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      const options = [
        at(rows, row - 1, column) + 1,
        at(rows, row, column - 1) + 1,
        at(rows, row - 1, column - 1) + (same ? 0 : 1),
      ];
      if (left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1])
        options.push(at(rows, row - 2, column - 2) + 1);
      cell(rows, row)[column] = Math.min(...options);
    }
  }
  return at(rows, left.length, right.length);
}

const cell = (rows: number[][], row: number) => rows[row] ?? [];
const at = (rows: number[][], row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
