// Which driver runs: what the kernel says, what the settings say, and what each is called.

import { expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { mount } from "../../linux/mount.ts";
import { archive, contents, Scratch, streamOf } from "./fixture.ts";
import { openSnapshotDriver, parseDriverName, probeDriver } from "./open.ts";

test("the kernel is asked by a mount, and nothing of it stays", async () => {
  await using scratch = new Scratch();
  const { driver, reason } = await probeDriver(scratch.path);
  // Either answer is right on some kernel; the reason comes with the second.
  expect(["erofs", "overlay"]).toContain(driver);
  expect(reason === undefined).toBe(driver === "erofs");
  expect(readdirSync(scratch.path)).toEqual([]);
  expect(scratch.mounts()).toEqual([]);
});

test("it is asked about the data root's own file system: on tmpfs only overlay works", async () => {
  await using scratch = new Scratch();
  mkdirSync(scratch.paths.data);
  mount({ source: "none", target: scratch.paths.data, type: "tmpfs", data: "size=4m" });
  const driver = await openSnapshotDriver({ paths: scratch.paths });
  expect(driver.name).toBe("overlay");
  const { diffId } = await driver.addLayer(streamOf(archive({ name: "f", data: "x" })));
  expect(contents(await driver.mountChain([diffId]))).toEqual({ f: "x" });
  await expect(openSnapshotDriver({ paths: scratch.paths, prefer: "erofs" })).rejects.toMatchObject({
    code: "invalid",
    message: expect.stringContaining("storage driver erofs does not work here"),
  });
});

test("settings win over the probe", async () => {
  await using scratch = new Scratch();
  expect((await openSnapshotDriver({ paths: scratch.paths, prefer: "overlay" })).name).toBe("overlay");
  const { driver } = await probeDriver(scratch.path);
  expect((await openSnapshotDriver({ paths: scratch.paths })).name).toBe(driver);
});

test("names of drivers, Docker's too", () => {
  expect(parseDriverName("erofs")).toBe("erofs");
  expect(parseDriverName("overlay2")).toBe("overlay");
  expect(() => parseDriverName("aufs")).toThrow("unknown storage driver: aufs");
});
