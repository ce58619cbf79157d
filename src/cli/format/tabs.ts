// Columns from tab-separated text, as Go's text/tabwriter aligns them: a column is a run of lines that all have a cell
// there; the last cell of a line is free. Settings are docker's: at least 10 wide, 3 apart, for tables; others give theirs.

export interface TabSettings {
  readonly minWidth: number;
  readonly padding: number;
}

const TABLE: TabSettings = { minWidth: 10, padding: 3 };

export function alignTabs(text: string, settings: TabSettings = TABLE): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths: number[][] = lines.map(() => []);
  measure(lines, widths, 0, 0, lines.length, settings);
  return lines
    .map((cells, row) =>
      cells
        .map((cell, column) => {
          const width = widths[row]?.[column];
          return width === undefined ? cell : cell + " ".repeat(Math.max(0, width - columnsOf(cell)));
        })
        .join(""),
    )
    .join("\n");
}

/** Finds the blocks of lines that share column `column` within [from, to), and gives each its width. */
function measure(
  lines: readonly (readonly string[])[],
  widths: number[][],
  column: number,
  from: number,
  to: number,
  settings: TabSettings,
): void {
  for (let row = from; row < to; row++) {
    if (column >= lastCell(lines[row])) continue;
    let end = row;
    let width = settings.minWidth;
    for (; end < to && column < lastCell(lines[end]); end++) {
      width = Math.max(width, columnsOf(lines[end]?.[column] ?? "") + settings.padding);
    }
    for (let inside = row; inside < end; inside++) (widths[inside] ?? [])[column] = width;
    measure(lines, widths, column + 1, row, end, settings);
    row = end - 1;
  }
}

const lastCell = (cells: readonly string[] | undefined) => (cells?.length ?? 1) - 1;

/** Columns on a terminal; wide East Asian characters take two. */
function columnsOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : Bun.stringWidth(text);
}
