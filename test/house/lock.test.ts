// package-lock.json: complete for every platform (npm leaves out those that the registry at hand does not have, and `npm
// ci` refuses then), and without addresses of anyone's registry.

import { expect, test } from "bun:test";
import lock from "../../package-lock.json";

interface Package {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const packages: Readonly<Record<string, Package>> = lock.packages;

test("every optional dependency has an entry", () => {
  const wanted = Object.values(packages).flatMap((each) => Object.keys(each.optionalDependencies ?? {}));
  expect(wanted.filter((name) => packages[`node_modules/${name}`] === undefined)).toEqual([]);
});

test("no registry's address", () => {
  expect(JSON.stringify(lock)).not.toContain('"resolved"');
});
