import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { withTable } from "./options-table.ts";

test("docs/configuration.md shows the options as they are", () => {
  const page = readFileSync(resolve(import.meta.dir, "../docs/configuration.md"), "utf8");
  expect(withTable(page)).toBe(page);
});
