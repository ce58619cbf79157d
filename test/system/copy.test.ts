// cp both ways, diff, export, commit: files in and out of containers, and links that lead nowhere they should.

import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { eachClient, fails, ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];

function folder(): string {
  const path = join(hoy.root, unique("dir"));
  mkdirSync(path);
  return path;
}

async function running(client: Client, script = "true"): Promise<string> {
  const name = unique();
  await ok(client("run", "-d", "--name", name, ...NET, "busybox", "sleep", "1000"));
  await ok(client("exec", name, "sh", "-c", script));
  return name;
}

describe("cp", () => {
  eachClient(hoy, "the engine's own files in /etc, before the first start and after the last", async (client) => {
    const name = unique();
    const out = folder();
    await ok(client("create", "--name", name, "--hostname", "here", ...NET, "busybox", "true"));
    for (const file of ["hosts", "hostname", "resolv.conf"]) {
      await ok(client("cp", `${name}:/etc/${file}`, join(out, file)));
      expect(readFileSync(join(out, file), "utf8")).toBe("");
    }
    await ok(client("start", "-a", name));
    await ok(client("cp", `${name}:/etc/hostname`, join(out, "hostname")));
    expect(readFileSync(join(out, "hostname"), "utf8")).toBe("here\n");
    expect(await ok(client("diff", name))).toBe("");
    await ok(client("rm", name));
  });

  eachClient(hoy, "a file and a directory, out and in, running and stopped", async (client) => {
    const name = await running(
      client,
      "mkdir -p /d/e; echo one > /d/one; echo two > /d/e/two; ln -s one /d/link; chmod 640 /d/one",
    );
    const out = folder();
    for (const stopped of [false, true]) {
      if (stopped) await ok(client("stop", "-t", "0", name));
      await ok(client("cp", `${name}:/d`, join(out, String(stopped))));
      const copy = join(out, String(stopped));
      expect(readFileSync(join(copy, "one"), "utf8")).toBe("one\n");
      expect(readFileSync(join(copy, "e/two"), "utf8")).toBe("two\n");
      expect(readlinkSync(join(copy, "link"))).toBe("one");
      expect(statSync(join(copy, "one")).mode & 0o777).toBe(0o640);
      writeFileSync(join(out, "new"), `new ${stopped}`);
      await ok(client("cp", join(out, "new"), `${name}:/d/in-${stopped}`));
    }
    await ok(client("start", name));
    expect(await ok(client("exec", name, "cat", "/d/in-false", "/d/in-true"))).toBe("new falsenew true");
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "- is a tar stream on standard output and input", async (client) => {
    const name = await running(client, "echo hi > /hi");
    const tar = await client("cp", `${name}:/hi`, "-");
    const file = join(folder(), "x.tar");
    writeFileSync(file, tar.stdout);
    expect(await ok(command(["tar", "-tf", file]))).toBe("hi");
    await ok(client.with({ input: readFileSync(file) }, "cp", "-", `${name}:/tmp`));
    expect(await ok(client("exec", name, "cat", "/tmp/hi"))).toBe("hi");
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "what is not there", async (client) => {
    const name = await running(client);
    await fails(client("cp", `${name}:/nonesuch`, hoy.root), 1, /Could not find the file \/nonesuch in container/);
    await fails(client("cp", "/nonesuch-on-host", `${name}:/`), 1, /no such file or directory/);
    await fails(
      client("cp", "/etc/hostname", `${name}:/nonesuch/dir/file`),
      1,
      /Could not find the file|no such directory|No such/i,
    );
    await fails(client("cp", "/etc/hostname", "nonesuch:/x"), 1, /No such container: nonesuch/);
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "of what shows the kernel there are the directories, and nothing in them", async (client) => {
    const name = await running(client, "mkdir /tmp/t; echo x > /tmp/t/file");
    for (const path of ["/proc/1/status", "/proc/self/environ", "/sys/kernel/mm", "/proc/kcore"]) {
      await fails(client("cp", `${name}:${path}`, "-"), 1, new RegExp(`Could not find the file ${path} in container`));
    }
    await fails(client("cp", "/etc/hostname", `${name}:/proc/1/comm`), 1, /Could not find the file \/proc\/1/);
    const out = folder();
    await ok(client("cp", `${name}:/`, join(out, "all")));
    const all = (path: string) => readdirSync(join(out, "all", path));
    expect([all("proc"), all("sys"), all("tmp/t")]).toEqual([[], [], ["file"]]);
    expect(all("dev")).toContain("null");
    await ok(client("cp", `${name}:/proc`, out));
    expect(readdirSync(join(out, "proc"))).toEqual([]);
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "links in the container are resolved in the container, never on the host", async (client) => {
    const secret = join(hoy.root, unique("secret"));
    writeFileSync(secret, "of the host");
    const script = `ln -s ${secret} /direct; ln -s / /up; ln -s ../../../../../../.. /climb; ln -s ${hoy.root} /into; echo inside > /file`;
    const name = await running(client, script);
    const out = folder();
    for (const path of [`/direct`, `/up${secret}`, `/climb${secret}`]) {
      const result = await client("cp", "-L", `${name}:${path}`, join(out, "stolen"));
      expect(result.code).not.toBe(0);
      expect(existsSync(join(out, "stolen"))).toBe(false);
    }
    const evil = join(out, "evil");
    writeFileSync(evil, "written");
    await client("cp", evil, `${name}:/into/evil-${name}`);
    expect(existsSync(join(hoy.root, `evil-${name}`))).toBe(false);
    expect(readFileSync(secret, "utf8")).toBe("of the host");
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "a link on this side is copied as a link, or followed with -L", async (client) => {
    const name = await running(client);
    const out = folder();
    writeFileSync(join(out, "target"), "t");
    symlinkSync("target", join(out, "link"));
    await ok(client("cp", join(out, "link"), `${name}:/plain`));
    await ok(client("cp", "-L", join(out, "link"), `${name}:/followed`));
    expect(await ok(client("exec", name, "readlink", "/plain"))).toBe("target");
    expect(await ok(client("exec", name, "cat", "/followed"))).toBe("t");
    await ok(client("rm", "-f", name));
  });

  test("an archive with names that lead out is refused or stays inside", async () => {
    const name = await running(hoy.hoy);
    const dir = folder();
    const made = Bun.spawnSync(["python3", "-c", EVIL_TAR, join(dir, "evil.tar")]);
    expect(made.exitCode).toBe(0);
    const response = await fetch(`http://hoy/containers/${name}/archive?path=/tmp`, {
      method: "PUT",
      body: readFileSync(join(dir, "evil.tar")),
      unix: hoy.socket,
    } as RequestInit);
    expect(response.status).toBe(400);
    expect(existsSync("/hoy-evil-absolute")).toBe(false);
    expect(existsSync(join(hoy.data, "hoy-evil-relative"))).toBe(false);
    await ok(hoy.hoy("rm", "-f", name));
  });
});

const EVIL_TAR = `
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w") as tar:
    for name in ("../../../../../../hoy-evil-relative", "/../hoy-evil-absolute"):
        entry = tarfile.TarInfo(name)
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
`;

describe("diff, export, commit", () => {
  eachClient(hoy, "diff: added, changed, deleted", async (client) => {
    const name = await running(client, "echo x > /new; mkdir /etc/d; echo y >> /etc/passwd; rm /bin/zcat");
    const lines = (await ok(client("diff", name))).split("\n").sort();
    expect(lines).toEqual(["A /etc/d", "A /new", "C /bin", "C /etc", "C /etc/passwd", "D /bin/zcat"]);
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "/.dockerenv tells programs where they are; it is no change of the container's", async (client) => {
    const name = await running(client, "test -f /.dockerenv && ! test -s /.dockerenv");
    expect(await ok(hoy.hoy("exec", name, "stat", "-c", "%A %u", "/.dockerenv"))).toBe("-rwxr-xr-x 0");
    expect(await ok(client("diff", name))).toBe("");
    const [image, file] = [unique("marked"), join(folder(), "root.tar")];
    await ok(client("commit", name, image));
    expect(await ok(client("history", "--format", "{{.Size}}", image))).toMatch(/^0B\n/);
    // An image that has one of its own, as an export has: that one stays, and is no change either.
    await ok(client("export", "-o", file, name));
    await ok(client("import", file, image));
    const second = unique();
    await ok(client("run", "--name", second, ...NET, image, "test", "-e", "/.dockerenv"));
    expect(await ok(client("diff", second))).toBe("");
    await ok(client("rm", "-f", name, second));
    await ok(client("rmi", image));
  });

  eachClient(hoy, "export is the whole tree; import makes an image of it again", async (client) => {
    const name = await running(client, "echo kept > /kept; rm /bin/zcat");
    const file = join(folder(), "root.tar");
    await ok(client("export", "-o", file, name));
    const image = `${unique("imported")}:v1`;
    expect(await ok(client("import", "--change", "CMD cat /kept", file, image))).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await ok(client("run", "--rm", ...NET, image))).toBe("kept");
    await fails(client("run", "--rm", ...NET, image, "zcat"), 127, /zcat/);
    await ok(client("rm", "-f", name));
    await ok(client("rmi", image));
  });

  eachClient(hoy, "commit keeps what changed, with new settings", async (client) => {
    const name = await running(client, "echo two > /two");
    const image = `${unique("committed")}:v1`;
    await ok(
      client(
        "commit",
        "-m",
        "a change",
        "-a",
        "me",
        "-c",
        "ENV X=9",
        "-c",
        'CMD ["sh", "-c", "cat /two; echo $X"]',
        name,
        image,
      ),
    );
    expect(await ok(client("run", "--rm", ...NET, image))).toBe("two\n9");
    expect(await ok(client("history", "--format", "{{.Comment}}", image))).toMatch(/^a change/);
    expect(await ok(client("inspect", "--format", "{{.Author}} {{len .RootFS.Layers}}", image))).toBe("me 2");
    await ok(client("rm", "-f", name));
    await ok(client("rmi", image));
  });
});
