// `image mount` and `image unmount`: an image's files in a directory of the host, on both storage drivers.

import { describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { isMountPoint } from "../../src/linux/mount-table.ts";
import { fails, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { type TestDaemon, testDaemon } from "../harness/daemon.ts";
import { have } from "../harness/needs.ts";

const PROGRAM = resolve(import.meta.dir, "../../dist/hoy");
for (const driver of have.erofs ? ["erofs", "overlay"] : ["overlay"]) {
  const hoy = await testDaemon({ flags: [`--storage-driver=${driver}`] });

  describe(`image mount on ${driver}`, () => {
    test("shows the image's files with its owners and modes; nothing can be written, setuid has no effect", async () => {
      const [image, path] = [await makeImage(hoy), directory(hoy)];
      expect(await ok(hoy.hoy("image", "mount", image, path))).toBe(path);
      expect(readFileSync(join(path, "data/two"), "utf8")).toBe("two\n");
      const { uid, gid, mode } = statSync(join(path, "data/one"));
      expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 1000, gid: 1001, mode: 0o4750 });
      expect(existsSync(join(path, "gone"))).toBe(false);
      expect(() => writeFileSync(join(path, "new"), "")).toThrow("EROFS");
      expect(optionsOf(path)).toEqual(expect.arrayContaining(["ro", "nosuid", "nodev"]));
      expect(await ok(hoy.hoy("image", "unmount", path))).toBe(path);
      expect(readdirSync(path)).toEqual([]);
      await ok(hoy.hoy("rmi", image));
    });

    test("without a directory takes one of its own, the same again, which goes with it", async () => {
      const image = await makeImage(hoy);
      const path = await ok(hoy.hoy("image", "mount", image));
      expect(readFileSync(join(path, "data/two"), "utf8")).toBe("two\n");
      expect(await ok(hoy.hoy("image", "mount", image))).toBe(path);
      const id = (await ok(hoy.hoy("inspect", "-f", "{{.Id}}", image))).slice("sha256:".length);
      expect((await ok(hoy.hoy("image", "mount"))).split("\n")).toEqual([
        expect.stringMatching(/^IMAGE +IMAGE ID +MOUNT POINT +STATUS$/),
        expect.stringMatching(new RegExp(`^${image} +${id.slice(0, 12)} +${path} +mounted$`)),
      ]);
      expect(await ok(hoy.hoy("image", "unmount", image))).toBe(path);
      expect(existsSync(path)).toBe(false);
      expect(await ok(hoy.hoy("image", "mount", "-q"))).toBe("");
      await ok(hoy.hoy("rmi", image));
    });

    test("outlives kill -9, comes again after a boot, and leaves nothing", async () => {
      const [image, path] = [await makeImage(hoy), directory(hoy)];
      await ok(hoy.hoy("image", "mount", image, path));
      const own = await ok(hoy.hoy("image", "mount", image));
      await hoy.restart("SIGKILL");
      expect(readFileSync(join(path, "data/two"), "utf8")).toBe("two\n");
      expect(await ok(hoy.hoy("image", "mount", "-q"))).toBe([own, path].sort().join("\n"));
      await fails(hoy.hoy("rmi", image), 1, "is mounted at");
      // What a boot does to mounts.
      await hoy.down();
      await ok(command(["umount", path, own]));
      await hoy.up();
      expect(readFileSync(join(path, "data/two"), "utf8")).toBe("two\n");
      expect(readFileSync(join(own, "data/two"), "utf8")).toBe("two\n");
      await ok(hoy.hoy("image", "unmount", "--all"));
      expect([isMountPoint(path), existsSync(own)]).toEqual([false, false]);
      await ok(hoy.hoy("rmi", image));
    });

    test("holds the image: rmi says where it is mounted, by force only the name goes; prune and gc leave it", async () => {
      const [image, path] = [await makeImage(hoy), directory(hoy)];
      await ok(hoy.hoy("image", "mount", image, path));
      const id = await ok(hoy.hoy("inspect", "-f", "{{.Id}}", image));
      await fails(hoy.hoy("rmi", image), 1, `is mounted at ${path}`);
      await fails(hoy.hoy("rmi", "-f", id), 1, `cannot be forced) - image is mounted at ${path}`);
      await ok(hoy.hoy("image", "prune", "-f", "--all", "--filter", `label=own=${image}`));
      await ok(hoy.hoy("inspect", image));
      await ok(hoy.hoy("rmi", "-f", image));
      expect(readFileSync(join(path, "data/two"), "utf8")).toBe("two\n");
      expect(await ok(hoy.hoy("image", "unmount", id.slice("sha256:".length, 20)))).toBe(path);
      await ok(hoy.hoy("rmi", id));
    });

    test("that is in use is unmounted by force only, and can be read until it is closed", async () => {
      const [image, path] = [await makeImage(hoy), directory(hoy)];
      await ok(hoy.hoy("image", "mount", image, path));
      const file = openSync(join(path, "data/two"), "r");
      await fails(hoy.hoy("image", "unmount", path), 1, `the image mounted at ${path} is in use`);
      expect(await ok(hoy.hoy("image", "mount", "--format", "{{.Status}}"))).toBe("mounted");
      await ok(hoy.hoy("image", "unmount", "--force", path));
      expect(readFileSync(file, "utf8")).toBe("two\n");
      closeSync(file);
      await ok(hoy.hoy("rmi", image));
    });

    test("goes only where nothing is, and what others mount or take away there is left alone", async () => {
      const [image, path] = [await makeImage(hoy), directory(hoy)];
      const link = `${path}-link`;
      symlinkSync(path, link);
      await fails(hoy.hoy("image", "mount", image, join(path, "none")), 1, "there is no directory");
      await fails(hoy.hoy("image", "mount", image, hoy.root), 1, "is not empty");
      await fails(hoy.hoy("image", "mount", "nosuch", path), 1, "No such image: nosuch:latest");
      await fails(hoy.hoy("image", "unmount", path), 1, `no image is mounted at ${path}`);
      await fails(hoy.hoy("image", "unmount", image), 1, `the image ${image} is not mounted`);
      // A link is followed; what is mounted is known by the directory's own name, and by the link.
      expect(await ok(hoy.hoy("image", "mount", image, link))).toBe(path);
      await ok(hoy.hoy("image", "unmount", link));
      await ok(hoy.hoy("image", "mount", image, path));
      await fails(hoy.hoy("image", "mount", image, path), 1, "is not empty");
      await ok(command(["mount", "-t", "tmpfs", "tmpfs", path]));
      await fails(hoy.hoy("image", "unmount", path), 1, `something else is mounted over the image at ${path}`);
      await ok(command(["umount", path]));
      await ok(command(["umount", path]));
      expect(await ok(hoy.hoy("image", "mount"))).toContain("taken away by others");
      await ok(command(["mount", "-t", "tmpfs", "tmpfs", path]));
      await ok(hoy.hoy("image", "unmount", path));
      expect(isMountPoint(path)).toBe(true);
      await ok(command(["umount", path]));
      await ok(hoy.hoy("rmi", image));
    });
  });

  if (driver === "overlay") continue;
  test("an engine on another host: the client says where the mount would be", async () => {
    const remote = ["--host", "tcp://198.51.100.9:2375", "image", "mount", "busybox"];
    await fails(command([PROGRAM, ...remote]), 1, "the engine at tcp://198.51.100.9:2375 is on another host");
    const relative = await hoy.api("POST", "/hoy/images/mount?name=busybox&path=here");
    expect(relative).toMatchObject({ status: 400, json: { message: '"here" is not an absolute path' } });
  });
}

function directory(hoy: TestDaemon): string {
  const path = join(hoy.root, unique("mnt"));
  mkdirSync(path);
  return path;
}

/** Layers of which the upper one adds, changes and removes what the lower one has. */
async function makeImage(hoy: TestDaemon): Promise<string> {
  const image = `${unique("files")}:v1`;
  const steps = [
    `mkdir /data /gone && echo ${image} >/data/one && touch /gone/x`,
    "rm -r /gone && echo two >/data/two && chown 1000:1001 /data/one && chmod 4750 /data/one",
  ];
  let from = "busybox";
  for (const step of steps) {
    const name = unique();
    await ok(hoy.hoy("run", "--name", name, "--network", "none", from, "sh", "-c", step));
    await ok(hoy.hoy("commit", "-c", `LABEL own=${image}`, name, image));
    await ok(hoy.hoy("rm", name));
    from = image;
  }
  return image;
}

function optionsOf(path: string): string[] {
  const line = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .find((each) => each.split(" ")[4] === path);
  return line?.split(" ")[5]?.split(",") ?? [];
}
