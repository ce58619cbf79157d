import { expect, test } from "bun:test";
import { isDigest } from "../../base/digest.ts";
import { PeerImages } from "./peers.ts";
import { TestRegistry } from "./pull/testing-registry.ts";
import { TestHouse, tar } from "./testing.ts";

test("images by the patterns of their repositories, with all they consist of", async () => {
  await using house = await TestHouse.open();
  await using registry = await TestRegistry.start();
  const [layer = ""] = registry.put("team/app", "v1", [tar({ a: "b" })]);
  if (!isDigest(layer)) throw new Error("no layer");
  const name = `${registry.address}/team/app`;
  await house.pull(`${name}:v1`);
  const sees = async (...patterns: string[]) => {
    const peers = new PeerImages(house.shelf, patterns);
    const document = await peers.manifest(name, "v1");
    const blob = await peers.blob(layer);
    expect(blob === undefined).toBe(document === undefined);
    return document !== undefined;
  };
  const { address } = registry;
  for (const pattern of ["**", `${address}/**`, `${address}/team/**`, `${address}/*/app`, name])
    expect([pattern, await sees(pattern)]).toEqual([pattern, true]);
  for (const pattern of ["*", "quay.io/**", `${address}/*`, `${address}/other/**`, `${name}/**`, "docker.io/**"])
    expect([pattern, await sees(pattern)]).toEqual([pattern, false]);
  expect(await sees("quay.io/**", `${address}/team/*`)).toBe(true);

  const peers = new PeerImages(house.shelf, ["**"]);
  const byTag = await peers.manifest(name, "v1");
  expect(await peers.manifest(name, byTag?.digest ?? "")).toEqual(byTag);
  expect(await peers.manifest(name, "v2")).toBeUndefined();
  // The document is of one repository; under another name there is no such tag.
  expect(await peers.manifest("docker.io/team/app", "v1")).toBeUndefined();
  await house.images.remove(`${name}:v1`, { force: false, prune: true });
  expect(await peers.blob(layer)).toBeUndefined();
});
