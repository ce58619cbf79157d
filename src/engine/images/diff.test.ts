import { afterEach, beforeEach, expect, test } from "bun:test";
import { sha256 } from "../../base/digest.ts";
import { TestRegistry } from "./pull/testing-registry.ts";
import { NEVER, TestHouse, tar } from "./testing.ts";

let registry: TestRegistry;
const houses: TestHouse[] = [];
beforeEach(async () => {
  registry = await TestRegistry.start();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  for (const house of houses.splice(0)) await house[Symbol.asyncDispose]();
});

const BASE = tar({ "etc/same": "same", "etc/motd": "old", "usr/gone": "x", "opt/dir/inner": "y" });

for (const driver of ["erofs", "overlay"] as const) {
  test(`what was added, changed and removed, and in which layer (${driver})`, async () => {
    const house = await TestHouse.open(undefined, driver);
    houses.push(house);
    const second = tar({
      "etc/motd": "new",
      "etc/same": "same",
      "etc/mode": { data: "m", mode: 0o755 },
      "usr/.wh.gone": "",
    });
    const third = tar({ "opt/.wh.dir": "", "opt/file": "z" });
    registry.put("a", "v1", [BASE, tar({ "etc/mode": { data: "m", mode: 0o644 } })]);
    registry.put("b", "v1", [BASE, second, third]);
    const [a, b] = [`${registry.address}/a:v1`, `${registry.address}/b:v1`];
    await house.pull(a);
    await house.pull(b);
    const [base, changed, last] = [BASE, second, third].map((one) => sha256(one));
    expect(await house.images.diff(a, b, NEVER)).toEqual([
      { Path: "/etc/mode", Kind: 0, Layer: changed ?? "" },
      { Path: "/etc/motd", Kind: 0, Layer: changed ?? "" },
      { Path: "/opt/dir", Kind: 2, Layer: base ?? "" },
      { Path: "/opt/file", Kind: 1, Layer: last ?? "" },
      { Path: "/usr/gone", Kind: 2, Layer: base ?? "" },
    ]);
    expect(await house.images.diff(a, a, NEVER)).toEqual([]);
  });
}

test("files that are equal in other layers are equal", async () => {
  const house = await TestHouse.open();
  houses.push(house);
  registry.put("one", "v1", [tar({ a: "1", b: "2" })]);
  registry.put("two", "v1", [tar({ a: "1" }), tar({ b: "2" })]);
  for (const name of ["one", "two"]) await house.pull(`${registry.address}/${name}:v1`);
  expect(await house.images.diff(`${registry.address}/one:v1`, `${registry.address}/two:v1`, NEVER)).toEqual([]);
});
