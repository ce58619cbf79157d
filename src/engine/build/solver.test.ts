// The solver on a real kernel, both storage drivers: graphs made by hand, as a user of a build would see the outcome.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { TestEngine } from "../testing/test-engine.ts";
import { busybox, context, copy, node, run, scratch, TestBuild } from "./testing.ts";

for (const storageDriver of ["erofs", "overlay"] as const) {
  describe(`solver on ${storageDriver}`, () => {
    let host: TestEngine;

    beforeAll(async () => {
      host = new TestEngine({ storageDriver });
      await host.open();
      await host.importBusybox();
    });
    afterAll(async () => {
      await host[Symbol.asyncDispose]();
    });

    test("a command runs on an image, its output is told, its changes are a layer", async () => {
      await using build = new TestBuild(host.engine);
      const made = run(busybox(), "echo hello; echo oops >&2; echo data > /file; id -u > /uid");
      expect(await build.read(made, "/file")).toBe("data\n");
      expect(build.log.join("")).toContain("stdout: hello\n");
      expect(build.log.join("")).toContain("stderr: oops\n");
      expect(await build.read(made, "/uid")).toBe("0\n");
      expect(await build.read(made, "/etc/resolv.conf")).toBeUndefined();
      expect(await build.read(busybox(), "/file")).toBeUndefined();
    });

    test("the second build takes it from the cache", async () => {
      const target = () => run(run(busybox(), "echo one > /one"), "cat /one > /two");
      await using first = new TestBuild(host.engine);
      const made = await first.solve(target());
      await using second = new TestBuild(host.engine);
      expect(await second.solve(target())).toEqual(made);
      expect(second.events).toEqual(["source cached", "RUN echo one > /one cached", "RUN cat /one > /two cached"]);
    });

    test("a command that fails says its exit code, and the build ends with it", async () => {
      await using build = new TestBuild(host.engine);
      const failing = build.solve(run(busybox(), "exit 7"));
      await expect(failing).rejects.toThrow('process "/bin/sh -c exit 7" did not complete successfully: exit code: 7');
    });

    test("a copy takes files of the context, and its key is what they contain", async () => {
      await using build = new TestBuild(host.engine);
      build.files.set("context", [{ path: "dir/" }, { path: "dir/a", data: "A" }, { path: "other", data: "1" }]);
      const target = () => copy(busybox(), context(), { source: "/dir", target: "/new/place/" });
      expect(await build.read(target(), "/new/place/a")).toBe("A");
      await using again = new TestBuild(host.engine);
      again.files.set("context", [
        { path: "dir/", mtime: 5 },
        { path: "dir/a", data: "A", mtime: 5 },
        { path: "other", data: "2" },
      ]);
      await again.solve(target());
      expect(again.events).toContain("file cached");
      await using changed = new TestBuild(host.engine);
      changed.files.set("context", [{ path: "dir/" }, { path: "dir/a", data: "B" }]);
      expect(await changed.read(target(), "/new/place/a")).toBe("B");
      expect(changed.events).toContain("file done");
    });

    test("a missing source is named", async () => {
      await using build = new TestBuild(host.engine);
      const failing = build.solve(copy(scratch(), context(), { source: "/missing" }));
      await expect(failing).rejects.toThrow('"/missing": not found');
    });

    test("independent commands run side by side", async () => {
      await using build = new TestBuild(host.engine);
      const meet = (mine: string, other: string) =>
        run(
          busybox(),
          `touch /meet/${mine}; for i in $(seq 100); do [ -e /meet/${other} ] && exit 0; sleep 0.1; done; exit 1`,
          {
            mounts: [
              {
                input: -1,
                selector: "",
                target: "/meet",
                readonly: false,
                output: -1,
                detail: { type: "cache", id: "meet", sharing: "shared", mode: 0o755, uid: 0, gid: 0 },
              },
            ],
          },
        );
      const [a, b] = [meet("a", "b"), meet("b", "a")];
      await build.solve(node({ kind: "merge" }, [a, b]));
    });

    test("a cancelled build stops its processes and leaves nothing", async () => {
      await using build = new TestBuild(host.engine);
      const solving = build.solve(run(busybox(), "echo begun; sleep 1000"));
      while (build.log.length === 0) await Bun.sleep(20);
      build.abort.abort();
      await expect(solving).rejects.toThrow();
      expect(host.leftovers()).toEqual([]);
      expect(readdirSync(`${host.settings.paths.data}/tmp`).filter((name) => name.startsWith("build-"))).toEqual([]);
    });

    test("two builds that ask for the same run it once", async () => {
      await using one = new TestBuild(host.engine);
      await using other = new TestBuild(host.engine);
      const target = () => run(busybox(), "cat /proc/sys/kernel/random/uuid > /once; sleep 0.3");
      const [first, second] = await Promise.all([one.read(target(), "/once"), other.read(target(), "/once")]);
      expect(first).toBe(second ?? "");
    });

    test("secrets are there, and neither in the layer nor in the key", async () => {
      const target = () =>
        run(busybox(), "cat /run/secrets/token > /dev/stderr; echo $TOKEN; ls /run/secrets > /listing", {
          secretEnv: [{ name: "TOKEN", id: "token", optional: false }],
          mounts: [
            {
              input: -1,
              selector: "",
              target: "/run/secrets/token",
              readonly: true,
              output: -1,
              detail: { type: "secret", id: "token", optional: false, mode: 0o400, uid: 0, gid: 0 },
            },
          ],
        });
      await using build = new TestBuild(host.engine);
      build.secrets.set("token", "hush");
      const tree = await build.solve(target());
      expect(build.log.join("")).toContain("hush");
      expect(await host.engine.solver.readFile(tree, "/listing", 100)).toEqual(Buffer.from("token\n"));
      expect(await host.engine.solver.readFile(tree, "/run/secrets/token", 100)).toBeUndefined();
      await using other = new TestBuild(host.engine);
      other.secrets.set("token", "different");
      await other.solve(target());
      expect(other.events.at(-1)).toContain("cached");
      await using none = new TestBuild(host.engine);
      await expect(
        none.solve(run(busybox(), "true #", { secretEnv: [{ name: "A", id: "no", optional: false }] })),
      ).rejects.toThrow("secret no: not found");
    });

    test("a bind of another tree is there while the command runs", async () => {
      await using build = new TestBuild(host.engine);
      build.files.set("context", [{ path: "src/" }, { path: "src/main", data: "text" }]);
      const bind = { input: 1, selector: "/src", target: "/src", output: -1, detail: { type: "bind" } } as const;
      const made = run(busybox(), "cp /src/main /copied", { mounts: [{ ...bind, readonly: true }] }, [context()]);
      expect(await build.read(made, "/copied")).toBe("text");
      expect(await build.read(made, "/src/main")).toBeUndefined();
      const written = run(
        busybox(),
        "echo more >> /src/main && cp /src/main /copied",
        { mounts: [{ ...bind, readonly: false }] },
        [context()],
      );
      expect(await build.read(written, "/copied")).toBe("textmore\n");
      expect(await build.read(context(), "/src/main")).toBe("text");
    });

    test("what a build made is there after the engine's next start", async () => {
      const target = () => run(busybox(), "echo kept > /kept");
      {
        await using build = new TestBuild(host.engine);
        await build.solve(target());
      }
      await host.reopen();
      await using build = new TestBuild(host.engine);
      expect(await build.read(target(), "/kept")).toBe("kept\n");
      expect(build.events).toContain("RUN echo kept > /kept cached");
    });

    test("the same context gives the same layers with no cache", async () => {
      await using build = new TestBuild(host.engine);
      build.files.set("context", [{ path: "a", data: "A", mtime: 1_000 }]);
      const made = await build.solve(copy(busybox(), context(), { target: "/deep/er/" }), 500);
      expect(made.diffIds.at(-1)).toBe(EXPECTED);
    });
  });
}

/** One for both drivers, and from one version to the next: the copy of a given file is given bytes. */
const EXPECTED = "sha256:6e37d960b9b409404af559d1e5b17ff0440817027c10899917b0bb9e63982aca";
