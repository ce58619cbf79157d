import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase, withoutSync } from "./database.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hoy-db-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const steps = [{ name: "one", sql: "CREATE TABLE t (n INTEGER) STRICT" }];
const synchronous = (db: ReturnType<typeof openDatabase>) =>
  db.query<{ synchronous: number }, []>("PRAGMA synchronous").get()?.synchronous;

test("steps run once, in order, and a newer schema is refused", () => {
  const path = join(directory, "hoy.db");
  openDatabase(path, steps).close();
  openDatabase(path, [...steps, { name: "two", sql: "ALTER TABLE t ADD COLUMN m INTEGER" }]).close();
  expect(() => openDatabase(path, steps)).toThrow("the state was written by a newer hoy (schema 2, this one knows 1)");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a commit that is not waited for is there, and the next one is waited for again, also after an error", () => {
  const db = openDatabase(join(directory, "hoy.db"), steps);
  const full = synchronous(db);
  expect(withoutSync(db, () => synchronous(db))).not.toBe(full);
  expect(() =>
    withoutSync(db, () => {
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(synchronous(db)).toBe(full);
  withoutSync(db, () => db.run("INSERT INTO t VALUES (1)"));
  const other = openDatabase(join(directory, "hoy.db"), steps);
  expect(other.query("SELECT n FROM t").all()).toEqual([{ n: 1 }]);
  other.close();
  db.close();
});
