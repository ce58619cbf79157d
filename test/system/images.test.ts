// Images: import, load, save, tag, list, history, remove, prune; digests that stay what they were.

import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eachClient, fails, ok, unique } from "../harness/clients.ts";
import { command, commandBytes } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { baseTar } from "../harness/images.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];
const idOf = (image: string) => ok(hoy.hoy("inspect", "--format", "{{.Id}}", image));

function fresh(): string {
  const path = join(hoy.root, unique("dir"));
  mkdirSync(path);
  return path;
}

function stored(): string[] {
  return ["layers/sha256", "blobs/sha256", "images"].flatMap((folder) => {
    const path = join(hoy.data, folder);
    return existsSync(path) ? readdirSync(path).map((file) => `${folder}/${file}`) : [];
  });
}

afterEach(() => {
  const temporary = join(hoy.data, "tmp");
  // The files of a container that was removed go while nobody waits; everything else is gone by now.
  const left = (existsSync(temporary) ? readdirSync(temporary) : []).filter((name) => !name.startsWith("container-"));
  expect(left).toEqual([]);
});

describe("import", () => {
  for (const [form, filter] of [
    ["plain", "cat"],
    ["gzip", "gzip"],
    ["xz", "xz -T1 -0"],
    ["zstd", "zstd -q"],
  ] as const) {
    test(`a ${form} tar on standard input`, async () => {
      const packed = await commandBytes(["sh", "-c", filter], { input: await baseTar() });
      const image = unique("imported");
      const id = await ok(
        hoy.hoy.with({ input: packed.stdout }, "import", "--change", 'CMD ["echo", "works"]', "-", image),
      );
      expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(await ok(hoy.hoy("run", "--rm", ...NET, image, "/bin/busybox", "echo", "works"))).toBe("works");
      await ok(hoy.hoy("rmi", image));
    });
  }

  eachClient(hoy, "changes are Dockerfile instructions; a bad one is refused", async (client) => {
    const file = join(fresh(), "base.tar");
    writeFileSync(file, await baseTar());
    const image = unique("changed");
    const changes = [
      "ENV A=1 B=2",
      "WORKDIR /tmp",
      "USER 1000",
      "LABEL k=v",
      "EXPOSE 80/tcp",
      'ENTRYPOINT ["/bin/busybox"]',
      'CMD ["id", "-u"]',
    ];
    await ok(client("import", ...changes.flatMap((change) => ["--change", change]), "-m", "made here", file, image));
    const format =
      '{{json .Config.Env}} {{.Config.WorkingDir}} {{.Config.User}} {{index .Config.Labels "k"}} {{json .Config.ExposedPorts}} {{.Comment}}';
    expect(await ok(client("inspect", "--format", format, image))).toBe(
      '["A=1","B=2"] /tmp 1000 v {"80/tcp":{}} made here',
    );
    expect(await ok(client("run", "--rm", ...NET, image))).toBe("1000");
    await ok(client("rmi", image));
    await fails(
      client("import", "--change", "RUN true", file, image),
      1,
      /RUN is not a valid change command|not.*valid change/,
    );
  });

  eachClient(hoy, "a broken archive leaves nothing", async (client) => {
    const before = stored();
    const cut = (await baseTar()).slice(0, 1_000_100);
    await fails(client.with({ input: cut }, "import", "-", unique()), 1, /unexpected E/i);
    await fails(client.with({ input: "this is no archive".repeat(100) }, "import", "-", unique()), 1, /./);
    expect(stored()).toEqual(before);
  });
});

describe("save and load", () => {
  eachClient(hoy, "the same id and digests come back, and a second load is a no-op", async (client) => {
    const [file, image] = [join(fresh(), "saved.tar"), `${unique("saved")}:v1`];
    await ok(client("tag", "busybox", image));
    const id = await idOf(image);
    await ok(client("save", "-o", file, image));
    expect(statSync(file).mode & 0o077).toBe(0);
    await ok(client("rmi", image));
    expect(await ok(client("load", "-i", file))).toContain(`Loaded image: ${image}`);
    expect(await idOf(image)).toBe(id);
    await ok(client("load", "-i", file));
    const again = join(fresh(), "again.tar");
    await ok(client("save", "-o", again, image));
    expect(readFileSync(again).equals(readFileSync(file))).toBe(true);
    await ok(client("rmi", image));
  });

  eachClient(hoy, "on standard output and input, compressed too", async (client) => {
    const image = `${unique("piped")}:v1`;
    await ok(client("tag", "busybox", image));
    const packed = await commandBytes([
      "sh",
      "-c",
      `${client.program === "hoy" ? "dist/hoy" : "docker"} -H unix://${hoy.socket} save ${image} | gzip -1`,
    ]);
    await ok(client("rmi", image));
    const loaded = await client.with({ input: packed.stdout }, "load");
    expect(loaded.stdout).toContain(`Loaded image: ${image}`);
    await ok(client("rmi", image));
  });

  test("what save writes is an OCI layout and a docker-archive", async () => {
    const dir = fresh();
    await ok(hoy.hoy("save", "-o", join(dir, "x.tar"), "busybox"));
    expect((await command(["tar", "-xf", join(dir, "x.tar"), "-C", dir])).code).toBe(0);
    expect(JSON.parse(readFileSync(join(dir, "oci-layout"), "utf8"))).toEqual({ imageLayoutVersion: "1.0.0" });
    const index = JSON.parse(readFileSync(join(dir, "index.json"), "utf8"));
    expect(index.manifests).toHaveLength(1);
    const [manifest] = JSON.parse(readFileSync(join(dir, "manifest.json"), "utf8"));
    expect(manifest.RepoTags).toEqual(["busybox:latest"]);
    for (const name of [manifest.Config, ...manifest.Layers]) expect(existsSync(join(dir, name))).toBe(true);
  });

  eachClient(hoy, "a damaged archive is refused and leaves nothing", async (client) => {
    const [dir, image] = [fresh(), unique("damaged")];
    const file = join(dir, "x.tar");
    const before = stored();
    // Layers of its own: what is here already is not read again.
    writeFileSync(join(dir, "big"), new Uint8Array(1_000_000).fill(3));
    const tar = await commandBytes(["tar", "-C", dir, "-c", "big"]);
    await ok(client.with({ input: tar.stdout }, "import", "-", image));
    await ok(client("save", "-o", file, image));
    await ok(client("rmi", image));
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, bytes.length >> 1));
    const cut = await client("load", "-i", file);
    expect(cut.code).toBe(1);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
    writeFileSync(file, bytes);
    const flipped = await client("load", "-i", file);
    expect(flipped.code).toBe(1);
    writeFileSync(file, "nothing");
    expect((await client("load", "-i", file)).code).toBe(1);
    expect(stored()).toEqual(before);
  });
});

describe("names", () => {
  eachClient(hoy, "tag, list, inspect by name, id and short id", async (client) => {
    const image = `localhost:5000/${unique("a")}/b:v2`;
    await ok(client("tag", "busybox", image));
    const id = await idOf("busybox");
    expect(await ok(client("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", image))).toBe(
      `${image} ${id}`,
    );
    expect(await ok(client("inspect", "--format", "{{.Id}}", id.slice(7, 19)))).toBe(id);
    expect(await ok(client("images", "-q", image))).toBe(id.slice(7, 19));
    expect(await ok(client("rmi", image))).toBe(`Untagged: ${image}`);
    await fails(client("inspect", image), 1, /No such (object|image)/i);
  });

  eachClient(hoy, "filters", async (client) => {
    const names = async (...filters: string[]) =>
      (
        await ok(client("images", "--format", "{{.Repository}}", ...filters.flatMap((filter) => ["--filter", filter])))
      ).split("\n");
    const image = unique("labelled");
    await ok(client.with({ input: await baseTar() }, "import", "--change", "LABEL sort=odd", "-", image));
    expect(await names("label=sort=odd")).toEqual([image]);
    expect(await names(`reference=${image.slice(0, -1)}*`)).toContain(image);
    expect(await names(`before=${image}`)).toContain("busybox");
    expect(await names("dangling=true")).toEqual([""]);
    await fails(client("images", "--filter", "colour=red"), 1, /invalid filter 'colour'/);
    await ok(client("rmi", image));
  });

  eachClient(hoy, "bad references", async (client) => {
    await fails(client("tag", "busybox", "UPPER"), 1, /repository name must be lowercase|invalid reference format/);
    await fails(client("tag", "busybox", "a:b:c"), 1, /invalid reference format|not a valid/);
    await fails(client("tag", "nonesuch", "x"), 1, /No such image: nonesuch/);
    await fails(client("run", "--rm", ...NET, "Bad Name"), 125, /invalid reference format/);
  });

  eachClient(hoy, "history, newest first", async (client) => {
    const lines = (await ok(client("history", "--format", "{{.CreatedBy}}|{{.Size}}", "busybox"))).split("\n");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/\|[12]\.\d+MB$/);
  });
});

describe("remove", () => {
  eachClient(
    hoy,
    "an image in use is kept: by a running container always, by a stopped one until -f",
    async (client) => {
      const [image, name] = [unique("used"), unique()];
      await ok(client.with({ input: await baseTar() }, "import", "--change", `LABEL u=${image}`, "-", image));
      await ok(client("run", "-d", "--name", name, ...NET, image, "/bin/busybox", "sleep", "1000"));
      await fails(client("rmi", image), 1, /unable to (remove repository reference|delete)/);
      await ok(client("stop", "-t", "0", name));
      await fails(client("rmi", image), 1, /must force|unable to remove/);
      await ok(client("rmi", "-f", image));
      expect(await ok(client("inspect", "--format", "{{.State.Status}}", name))).toBe("exited");
      await ok(client("rm", name));
    },
  );

  test("the last name's removal frees the disk at once", async () => {
    const before = stored();
    const dir = fresh();
    writeFileSync(join(dir, "big"), new Uint8Array(5_000_000).fill(7));
    const tar = await commandBytes(["tar", "-C", dir, "-c", "."]);
    const image = unique("big");
    await ok(hoy.hoy.with({ input: tar.stdout }, "import", "-", image));
    await ok(hoy.hoy("tag", image, `${image}:second`));
    await ok(hoy.hoy("rmi", image));
    expect(stored().length).toBeGreaterThan(before.length);
    expect(await ok(hoy.hoy("rmi", `${image}:second`))).toContain("Deleted: sha256:");
    expect(stored()).toEqual(before);
  });

  eachClient(hoy, "prune removes what has no name, and counts", async (client) => {
    const image = unique("pruned");
    await ok(client.with({ input: await baseTar() }, "import", "--change", "LABEL n=1", "-", image));
    await ok(client.with({ input: await baseTar() }, "import", "--change", "LABEL n=2", "-", image));
    expect(await ok(client("images", "-f", "dangling=true", "-q"))).not.toBe("");
    expect(await ok(client("image", "prune", "-f"))).toMatch(/^Deleted Images:\ndeleted: sha256:[0-9a-f]{64}/m);
    expect(await ok(client("images", "-f", "dangling=true", "-q"))).toBe("");
    await ok(client("rmi", image));
  });
});
