// Volumes: named and anonymous, filled from the image, shared, mounted from elsewhere; who may remove them; what a crash
// leaves of them.

import { describe, expect, test } from "bun:test";
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isMountPoint, mountPointsUnder } from "../../src/linux/mount-table.ts";
import { eachClient, eventually, fails, ok, unique } from "../harness/clients.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];

const dataOf = (name: string) => join(hoy.data, "volumes", name, "_data");
const sh = (client: Client, flags: readonly string[], script: string, image = "busybox") =>
  client("run", "--rm", ...NET, ...flags, image, "sh", "-c", script);
const sleeper = async (client: Client, name: string, ...flags: string[]) =>
  ok(client("run", "-d", "--name", name, ...NET, ...flags, "busybox", "sleep", "1000"));

/** An image whose /data has files of several owners and modes, and which declares it a volume. */
async function imageWithData(): Promise<string> {
  const name = unique("maker");
  const image = `${unique("filled")}:v1`;
  const script = [
    "mkdir -p /data/sub",
    "echo one >/data/one",
    "ln /data/one /data/sub/hard",
    "ln -s one /data/soft",
    "chown 1000:1001 /data/one",
    "chmod 4750 /data/one",
    "chown 12:13 /data",
    "chmod 1770 /data",
  ].join(" && ");
  await ok(hoy.hoy("run", "--name", name, ...NET, "busybox", "sh", "-c", script));
  await ok(hoy.hoy("commit", "-c", "VOLUME /data", name, image));
  await ok(hoy.hoy("rm", name));
  return image;
}

const filled = await imageWithData();

describe("a volume", () => {
  eachClient(hoy, "is made by name, inspected, listed and removed", async (client) => {
    const name = unique("v");
    expect(await ok(client("volume", "create", "--label", "a=b", name))).toBe(name);
    expect(
      await ok(client("volume", "inspect", "-f", "{{.Driver}} {{.Scope}} {{.Mountpoint}} {{.Labels.a}}", name)),
    ).toBe(`local local ${dataOf(name)} b`);
    expect((await ok(client("volume", "ls", "-q"))).split("\n")).toContain(name);
    expect(await ok(client("volume", "rm", name))).toBe(name);
    expect(existsSync(join(hoy.data, "volumes", name))).toBe(false);
    await fails(client("volume", "inspect", name), 1, "no such volume");
    await fails(client("volume", "rm", name), 1, "no such volume");
    await ok(client("volume", "rm", "-f", name));
  });

  eachClient(hoy, "keeps what is written, from one container to the next", async (client) => {
    const name = unique("v");
    await ok(sh(client, ["-v", `${name}:/d`], "echo kept >/d/f"));
    expect(await ok(sh(client, ["--mount", `source=${name},target=/e`], "cat /e/f"))).toBe("kept");
    await ok(client("volume", "rm", name));
  });

  eachClient(
    hoy,
    "uid 1000 in the container is uid 1000 in the volume, whatever the user namespace",
    async (client) => {
      const name = unique("v");
      await ok(sh(client, ["-v", `${name}:/d`], "touch /d/mine; chown 1000:1000 /d/mine; chmod 700 /d/mine"));
      expect(statSync(join(dataOf(name), "mine"))).toMatchObject({ uid: 1000, gid: 1000, mode: 0o100700 });
      for (const userns of [[], ["--userns", "host"]]) {
        expect(await ok(sh(client, [...userns, "-u", "1000", "-v", `${name}:/d`], "stat -c %u:%g /d/mine"))).toBe(
          "1000:1000",
        );
      }
      await ok(client("volume", "rm", name));
    },
  );

  eachClient(hoy, "z and Z are accepted, an unknown word is not", async (client) => {
    const name = unique("v");
    for (const mode of ["z", "Z", "ro,z", "rw"]) await ok(sh(client, ["-v", `${name}:/d:${mode}`], "true"));
    await fails(sh(client, ["-v", `${name}:/d:rubbish`], "true"), 125, "invalid mode: rubbish");
    await ok(client("volume", "rm", name));
  });

  eachClient(hoy, "read-only is read-only, by -v and by --mount", async (client) => {
    const name = unique("v");
    for (const flags of [
      ["-v", `${name}:/d:ro`],
      ["--mount", `type=volume,source=${name},target=/d,readonly`],
    ]) {
      await fails(sh(client, flags, "touch /d/x"), 1, "Read-only file system");
    }
    await ok(client("volume", "rm", name));
  });

  eachClient(hoy, "a name can't lead out of where volumes are", async (client) => {
    for (const name of ["../escape", "..", "a/b", ".hidden", "x"]) {
      const status = (await hoy.api("POST", "/volumes/create", { Name: name })).status;
      expect(status).toBe(400);
    }
    await fails(client("volume", "create", "../escape"), 1, "includes invalid characters for a local volume name");
    await fails(sh(client, ["-v", "a/../../etc:/d"], "true"), 125, "includes invalid characters");
    expect(readdirSync(join(hoy.data, "volumes"))).not.toContain("escape");
  });

  eachClient(hoy, "a driver that is not there is named", async (client) => {
    const volume = unique("v");
    const words = `create ${volume}: error looking up volume plugin nosuch: plugin "nosuch" not found`;
    await fails(client("volume", "create", "-d", "nosuch", volume), 1, `Error response from daemon: ${words}`);
    await fails(sh(client, ["--volume-driver", "nosuch", "-v", `${volume}:/d`], "true"), 125, words);
    const answer = await hoy.api("POST", "/volumes/create", { Name: volume, Driver: "nosuch" });
    expect(answer).toMatchObject({ status: 404, json: { message: words } });
  });
});

describe("what an image has where a volume goes", () => {
  eachClient(hoy, "is copied, with owners, modes and links, once", async (client) => {
    const name = unique("v");
    const look = "stat -c '%n %u:%g %a' /data /data/one; readlink /data/soft; stat -c %h /data/one";
    const expected = "/data 12:13 1770\n/data/one 1000:1001 4750\none\n2";
    expect(await ok(sh(client, ["-v", `${name}:/data`], look, filled))).toBe(expected);
    expect(statSync(join(dataOf(name), "one"))).toMatchObject({ uid: 1000, gid: 1001, mode: 0o104750 });
    // Not again into a volume that has something.
    await ok(sh(client, ["-v", `${name}:/data`], "rm /data/soft", filled));
    await fails(sh(client, ["-v", `${name}:/data`], "ls /data/soft", filled), 1, "No such file");
    await ok(client("volume", "rm", name));
  });

  eachClient(hoy, "is left where it is by nocopy and volume-nocopy", async (client) => {
    const name = unique("v");
    expect(await ok(sh(client, ["-v", `${name}:/data:nocopy`], "ls /data", filled))).toBe("");
    const mount = ["--mount", `source=${name},target=/data,volume-nocopy`];
    expect(await ok(sh(client, mount, "ls /data", filled))).toBe("");
    await ok(client("volume", "rm", name));
  });
});

describe("anonymous volumes", () => {
  const anonymous = async (client: Client) =>
    (await ok(client("volume", "ls", "-q"))).split("\n").filter((n) => /^[0-9a-f]{64}$/.test(n));

  eachClient(hoy, "of the image and of -v go with --rm and rm -v, and stay without", async (client) => {
    const before = await anonymous(client);
    await ok(sh(client, ["-v", "/more"], "true", filled));
    expect(await anonymous(client)).toEqual(before);
    const name = unique();
    await ok(client("create", "--name", name, ...NET, "-v", "/more", filled, "true"));
    expect(await anonymous(client)).toHaveLength(before.length + 2);
    await ok(client("rm", "-v", name));
    expect(await anonymous(client)).toEqual(before);
    await ok(client("create", "--name", name, ...NET, filled, "true"));
    await ok(client("rm", name));
    expect(await anonymous(client)).toHaveLength(before.length + 1);
    await ok(client("volume", "prune", "-f"));
  });

  eachClient(hoy, "named ones stay with rm -v", async (client) => {
    const [name, volume] = [unique(), unique("v")];
    await ok(client("create", "--name", name, ...NET, "-v", `${volume}:/d`, "busybox", "true"));
    await ok(client("rm", "-v", name));
    await ok(client("volume", "rm", volume));
  });

  eachClient(hoy, "prune takes them, and named ones only when told so", async (client) => {
    const [name, volume, labelled] = [unique(), unique("v"), unique("v")];
    await ok(client("volume", "create", volume));
    await ok(client("volume", "create", "--label", "keep", labelled));
    await ok(client("create", "--name", name, ...NET, "-v", "/d", "busybox", "true"));
    await ok(client("rm", name));
    const left = async () => (await ok(client("volume", "ls", "-q"))).split("\n");
    expect(await ok(client("volume", "prune", "-f"))).toContain("Total reclaimed space");
    expect(await anonymous(client)).toEqual([]);
    expect(await left()).toContain(volume);
    await ok(client("volume", "prune", "-f", "--all", "--filter", "label!=keep"));
    expect(await left()).not.toContain(volume);
    expect(await left()).toContain(labelled);
    await ok(client("volume", "prune", "-f", "--all", "--filter", "label=keep"));
    expect(await left()).not.toContain(labelled);
  });
});

describe("who uses a volume", () => {
  eachClient(hoy, "is named when it can't be removed, running or not", async (client) => {
    const [name, volume] = [unique(), unique("v")];
    const id = await ok(client("create", "--name", name, ...NET, "-v", `${volume}:/d`, "busybox", "true"));
    await fails(client("volume", "rm", volume), 1, `remove ${volume}: volume is in use - [${id}]`);
    await fails(client("volume", "rm", "-f", volume), 1, `volume is in use - [${id}]`);
    await ok(client("rm", name));
    await ok(client("volume", "rm", volume));
  });

  test("is known to the next daemon after a kill -9", async () => {
    const [up, down, volume] = [unique(), unique(), unique("v")];
    await sleeper(hoy.hoy, up, "-v", `${volume}:/d`);
    await ok(hoy.hoy("create", "--name", down, ...NET, "-v", `${volume}:/d`, "busybox", "true"));
    await ok(hoy.hoy("exec", up, "sh", "-c", "echo still >/d/f"));
    await hoy.restart("SIGKILL");
    expect(await ok(hoy.hoy("exec", up, "cat", "/d/f"))).toBe("still");
    await fails(hoy.hoy("volume", "rm", volume), 1, "volume is in use - [");
    await ok(hoy.hoy("rm", "-f", up));
    await fails(hoy.hoy("volume", "rm", volume), 1, "volume is in use - [");
    await ok(hoy.hoy("rm", down));
    await ok(hoy.hoy("volume", "rm", volume));
  });

  eachClient(hoy, "volumes-from gives all of them, read-only when asked", async (client) => {
    const [name, volume] = [unique(), unique("v")];
    await ok(client("create", "--name", name, ...NET, "-v", `${volume}:/d`, "-v", "/anonymous", "busybox", "true"));
    await ok(sh(client, ["--volumes-from", name], "echo x >/d/f; echo y >/anonymous/g"));
    expect(await ok(sh(client, ["--volumes-from", `${name}:ro`], "cat /d/f /anonymous/g"))).toBe("x\ny");
    await fails(sh(client, ["--volumes-from", `${name}:ro`], "touch /d/h"), 1, "Read-only file system");
    await fails(sh(client, ["--volumes-from", "nosuch"], "true"), 125, "No such container: nosuch");
    await ok(client("rm", "-v", name));
    await ok(client("volume", "rm", volume));
  });
});

describe("lists", () => {
  eachClient(hoy, "filters: name, label, dangling, driver", async (client) => {
    const [used, free] = [unique("used"), unique("free")];
    await ok(client("volume", "create", "--label", "color=red", used));
    await ok(client("volume", "create", "--label", "color=blue", free));
    const name = unique();
    await ok(client("create", "--name", name, ...NET, "-v", `${used}:/d`, "busybox", "true"));
    const list = async (...filters: string[]) =>
      (await ok(client("volume", "ls", "-q", ...filters.flatMap((each) => ["--filter", each])))).split("\n");
    expect(await list("label=color=red")).toEqual([used]);
    expect(await list("label=color")).toEqual([free, used]);
    expect(await list(`name=${free}`)).toEqual([free]);
    expect(await list("dangling=true", "label=color")).toEqual([free]);
    expect(await list("dangling=false", "label=color")).toEqual([used]);
    expect(await list("driver=nosuch")).toEqual([""]);
    await fails(client("volume", "ls", "--filter", "rubbish=x"), 1, "invalid filter 'rubbish'");
    await ok(client("rm", name));
    await ok(client("volume", "rm", used, free));
  });

  eachClient(hoy, "system df -v shows users and sizes", async (client) => {
    const [name, volume] = [unique(), unique("v")];
    await ok(
      client(
        "run",
        "--name",
        name,
        ...NET,
        "-v",
        `${volume}:/d`,
        "busybox",
        "dd",
        "if=/dev/zero",
        "of=/d/f",
        "bs=1000",
        "count=3",
      ),
    );
    expect(await ok(client("system", "df", "-v"))).toMatch(new RegExp(`^${volume}\\s+1\\s+3kB$`, "m"));
    await ok(client("rm", name));
    expect(await ok(client("system", "df", "-v"))).toMatch(new RegExp(`^${volume}\\s+0\\s+3kB$`, "m"));
    await ok(client("volume", "rm", volume));
  });
});

describe("options of the local driver", () => {
  eachClient(hoy, "a bind volume is another directory; removing it leaves that alone", async (client) => {
    const volume = unique("v");
    const directory = join(hoy.root, unique("bind"));
    mkdirSync(directory);
    writeFileSync(join(directory, "precious"), "kept\n");
    await ok(client("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", `device=${directory}`, volume));
    expect(isMountPoint(dataOf(volume))).toBe(false);
    const name = unique();
    await sleeper(client, name, "-v", `${volume}:/d`);
    expect(isMountPoint(dataOf(volume))).toBe(true);
    expect(await ok(client("exec", name, "cat", "/d/precious"))).toBe("kept");
    await ok(client("exec", name, "sh", "-c", "touch /d/new && chown 5:6 /d/new"));
    expect(statSync(join(directory, "new"))).toMatchObject({ uid: 5, gid: 6 });
    await ok(client("rm", "-f", name));
    expect(isMountPoint(dataOf(volume))).toBe(false);
    await ok(client("volume", "rm", volume));
    expect(readFileSync(join(directory, "precious"), "utf8")).toBe("kept\n");
  });

  eachClient(hoy, "a tmpfs volume is one for all its users, and gone with the last", async (client) => {
    const volume = unique("v");
    const options = ["-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,uid=1000,mode=0700"];
    await ok(client("volume", "create", ...options, volume));
    const [first, second] = [unique(), unique()];
    await sleeper(client, first, "-v", `${volume}:/d`);
    await sleeper(client, second, "-v", `${volume}:/d`);
    await ok(client("exec", "-u", "1000", first, "sh", "-c", "echo shared >/d/f"));
    expect(await ok(client("exec", second, "cat", "/d/f"))).toBe("shared");
    expect(
      await ok(client("exec", second, "sh", "-c", "stat -c '%u %a' /d; df -k /d | tail -n 1 | awk '{print $2}'")),
    ).toBe("1000 700\n1024");
    await ok(client("rm", "-f", first));
    expect(await ok(client("exec", second, "cat", "/d/f"))).toBe("shared");
    await ok(client("rm", "-f", second));
    expect(mountPointsUnder(join(hoy.data, "volumes"))).toEqual([]);
    await ok(client("volume", "rm", volume));
  });

  test("mounts are taken over by the next daemon, and undone when their user ended meanwhile", async () => {
    const [kept, left] = [unique("v"), unique("v")];
    for (const volume of [kept, left]) {
      await ok(hoy.hoy("volume", "create", "-o", "type=tmpfs", "-o", "device=tmpfs", volume));
    }
    const [up, ends] = [unique(), unique()];
    await sleeper(hoy.hoy, up, "-v", `${kept}:/d`);
    await sleeper(hoy.hoy, ends, "-v", `${left}:/d`);
    await ok(hoy.hoy("exec", up, "sh", "-c", "echo over >/d/f"));
    const pid = Number(await ok(hoy.hoy("inspect", "-f", "{{.State.Pid}}", ends)));
    await hoy.down("SIGKILL");
    process.kill(pid, "SIGKILL");
    await eventually(async () => !existsSync(`/proc/${pid}`), "the container's process is gone");
    await hoy.up();
    expect(mountPointsUnder(join(hoy.data, "volumes"))).toEqual([dataOf(kept)]);
    expect(await ok(sh(hoy.hoy, ["-v", `${kept}:/e`], "cat /e/f"))).toBe("over");
    await ok(hoy.hoy("rm", "-f", up, ends));
    expect(mountPointsUnder(join(hoy.data, "volumes"))).toEqual([]);
    await ok(hoy.hoy("volume", "rm", kept, left));
  });

  test("cp finds what is in the device of a container that is down", async () => {
    const [name, volume] = [unique(), unique("v")];
    const directory = join(hoy.root, unique("bind"));
    mkdirSync(directory);
    writeFileSync(join(directory, "file"), "there");
    await ok(hoy.hoy("volume", "create", "-o", "type=none", "-o", "o=bind", "-o", `device=${directory}`, volume));
    await ok(hoy.hoy("create", "--name", name, ...NET, "-v", `${volume}:/d`, "busybox", "true"));
    const out = join(hoy.root, unique("out"));
    await ok(hoy.hoy("cp", `${name}:/d/file`, out));
    expect(readFileSync(out, "utf8")).toBe("there");
    await eventually(async () => !isMountPoint(dataOf(volume)), "the volume is unmounted again");
    await ok(hoy.hoy("rm", name));
    await ok(hoy.hoy("volume", "rm", volume));
  });

  eachClient(hoy, "uid, gid and mode say whose it is, also when it is filled", async (client) => {
    const volume = unique("v");
    await ok(client("volume", "create", "-o", "uid=1000", "-o", "gid=1001", "-o", "mode=2750", volume));
    expect(statSync(dataOf(volume))).toMatchObject({ uid: 1000, gid: 1001, mode: 0o42750 });
    expect(await ok(sh(client, ["-v", `${volume}:/data`], "stat -c '%u:%g %a' /data; ls /data | wc -l", filled))).toBe(
      "1000:1001 2750\n3",
    );
    await ok(client("volume", "rm", volume));
  });

  eachClient(hoy, "what is wrong with them is said in Docker's words, and nothing is made", async (client) => {
    const volume = unique("v");
    const create = (...options: string[]) =>
      client("volume", "create", ...options.flatMap((each) => ["-o", each]), volume);
    await fails(create("foo=bar"), 1, `create ${volume}: invalid option: "foo"`);
    await fails(create("type=tmpfs"), 1, `create ${volume}: missing required option: "device"`);
    await fails(create("size=1g"), 1, `create ${volume}: quota size requested but no quota support`);
    await fails(client("volume", "inspect", volume), 1, "no such volume");
    await ok(create("type=none", "o=bind", "device=/no/such/place"));
    const started = client("run", "--name", volume, ...NET, "-v", `${volume}:/d`, "busybox", "true");
    await fails(started, 125, `error while mounting volume '${dataOf(volume)}': failed to mount local volume`);
    await ok(client("rm", volume));
    await ok(client("volume", "rm", volume));
  });
});

describe("a path inside a volume", () => {
  const subpath = (volume: string, path: string) => [
    "--mount",
    `type=volume,source=${volume},target=/s,volume-subpath=${path}`,
  ];

  eachClient(hoy, "is a directory or a file of it", async (client) => {
    const volume = unique("v");
    await ok(sh(client, ["-v", `${volume}:/d`], "mkdir -p /d/a/b && echo deep >/d/a/b/f"));
    expect(await ok(sh(client, subpath(volume, "a/b"), "cat /s/f; echo more >/s/g"))).toBe("deep");
    expect(await ok(sh(client, subpath(volume, "a/b/g"), "cat /s"))).toBe("more");
    expect(mountPointsUnder(hoy.run).filter((point) => point.includes("subpath"))).toEqual([]);
    await ok(client("volume", "rm", volume));
  });

  eachClient(hoy, "can't lead out, by dots or by a link", async (client) => {
    const volume = unique("v");
    await ok(client("volume", "create", volume));
    symlinkSync("/etc", join(dataOf(volume), "absolute"));
    symlinkSync("../../..", join(dataOf(volume), "above"));
    mkdirSync(join(dataOf(volume), "in"));
    symlinkSync("in", join(dataOf(volume), "inside"));
    await fails(sh(client, subpath(volume, "../x"), "true"), 125, "subpath must be a relative path within the volume");
    for (const link of ["absolute", "above", "above/etc"]) {
      await fails(sh(client, subpath(volume, link), "true"), 125, "path concatenation escapes the base directory");
    }
    // The clients read "no such file" as a command that is not there.
    await fails(sh(client, subpath(volume, "nosuch"), "true"), 127, `cannot access path nosuch in volume ${volume}`);
    await ok(sh(client, subpath(volume, "inside"), "touch /s/x"));
    expect(existsSync(join(dataOf(volume), "in", "x"))).toBe(true);
    await eventually(async () => (await hoy.hoy("volume", "rm", volume)).code === 0, "the volume is free");
  });
});

describe("--mount", () => {
  eachClient(hoy, "tmpfs with size and mode", async (client) => {
    const mount = ["--mount", "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770"];
    expect(await ok(sh(client, mount, "stat -c %a /t; df -k /t | tail -n 1 | awk '{print $2}'"))).toBe("1770\n1024");
    await fails(sh(client, ["--mount", "type=tmpfs,target=/t,readonly"], "touch /t/x"), 1, "Read-only file system");
  });

  eachClient(hoy, "a read-only bind is read-only below too, unless told otherwise", async (client) => {
    const directory = join(hoy.root, unique("bind"));
    mkdirSync(join(directory, "below"), { recursive: true });
    chownSync(directory, 0, 0);
    const volume = unique("v");
    await ok(client("volume", "create", volume));
    const bind = (more: string) => ["--mount", `type=bind,source=${directory},target=/b,readonly${more}`];
    await fails(sh(client, bind(""), "touch /b/below/x"), 1, "Read-only file system");
    await fails(sh(client, bind(",bind-recursive=readonly,bind-propagation=rprivate"), "touch /b/x"), 1, "Read-only");
    await ok(sh(client, bind(",bind-recursive=writable"), "ls /b/below"));
    await ok(client("volume", "rm", volume));
  });

  eachClient(hoy, "a missing source is an error, two mounts at one place too", async (client) => {
    const missing = join(hoy.root, "nosuch");
    await fails(
      sh(client, ["--mount", `type=bind,source=${missing},target=/b`], "true"),
      125,
      `bind source path does not exist: ${missing}`,
    );
    await fails(sh(client, ["-v", "va:/d", "-v", "vb:/d"], "true"), 125, "Duplicate mount point: /d");
    await fails(sh(client, ["-v", "v1:/"], "true"), 125, "destination can't be '/'");
  });
});
