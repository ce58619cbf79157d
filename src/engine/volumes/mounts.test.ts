// Volumes and binds of real containers.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filters, sh, wholeEngine } from "../testing/whole.ts";

const engine = wholeEngine();

describe("mounts", () => {
  test("a volume is made, kept, shared, and not removed while it is used", async () => {
    const { volumes } = engine.engine.backend;
    const writer = await engine.run(sh("echo kept >/v/file"), { Binds: ["shared:/v"] });
    expect(await engine.wait(writer)).toBe(0);
    const reader = await engine.run(sh("cat /w/file; echo no >/w/other"), { VolumesFrom: [], Binds: ["shared:/w:ro"] });
    expect(await engine.wait(reader)).not.toBe(0);
    expect(await engine.logs(reader)).toStartWith("kept\n");
    await expect(volumes.remove("shared", false)).rejects.toThrow("volume is in use - [");
    for (const id of [writer, reader]) await engine.containers.remove(id, { force: true, volumes: true, link: false });
    expect((await volumes.list(filters())).Volumes.map((volume) => volume.Name)).toEqual(["shared"]);
    await volumes.remove("shared", false);
  });

  test("an image's volume gets what the image has there, and goes with rm -v", async () => {
    const id = await engine.run({
      ...sh("ls -ln /etc | tail -n +2 | wc -l; cat /etc/group | head -1"),
      Volumes: { "/etc": {} },
    });
    expect(await engine.wait(id)).toBe(0);
    expect(await engine.logs(id)).toContain("root:x:0:\n");
    const { Mounts } = await engine.containers.inspect(id, { size: false });
    const source = Mounts?.[0]?.Source ?? "";
    expect(Mounts).toMatchObject([{ Type: "volume", Destination: "/etc", Driver: "local", RW: true }]);
    expect(readFileSync(join(source, "group"), "utf8")).toStartWith("root:x:0:");
    expect(statSync(source).uid).toBe(0);
    await engine.containers.remove(id, { force: true, volumes: true, link: false });
    expect(existsSync(source)).toBe(false);
  });

  test("-v makes a missing source, --mount does not; ids inside are ids outside", async () => {
    const directory = mkdtempSync(join(tmpdir(), "hoy-bind-"));
    try {
      writeFileSync(join(directory, "in"), "host\n");
      const source = join(directory, "made");
      const id = await engine.run(sh("touch /b/x; chown 7:8 /b/x; cat /h/in"), {
        Binds: [`${source}:/b`, `${directory}:/h:ro`],
      });
      expect(await engine.wait(id)).toBe(0);
      expect(await engine.logs(id)).toBe("host\n");
      expect(statSync(join(source, "x"))).toMatchObject({ uid: 7, gid: 8 });
      const missing = { Type: "bind", Source: join(directory, "nosuch"), Target: "/b" } as const;
      await expect(engine.create({}, { Mounts: [missing] })).rejects.toThrow(
        `invalid mount config for type "bind": bind source path does not exist: ${missing.Source}`,
      );
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test("a create that fails leaves no volume", async () => {
    const before = (await engine.engine.backend.volumes.list(filters())).Volumes;
    const impossible = { Volumes: { "/bin/sh": {}, "/data": {} } };
    await expect(engine.create(impossible, { Binds: ["fresh:/fresh"] })).rejects.toThrow(
      "cannot mount volume over existing file",
    );
    await expect(engine.create({}, { VolumesFrom: ["nosuch"] })).rejects.toMatchObject({
      code: "invalid",
      message: "No such container: nosuch",
    });
    expect((await engine.engine.backend.volumes.list(filters())).Volumes).toEqual(before);
  });

  test("two mounts at one place are refused", async () => {
    await expect(engine.create({}, { Binds: ["a:/x", "b:/x"] })).rejects.toThrow("Duplicate mount point: /x");
  });
});
