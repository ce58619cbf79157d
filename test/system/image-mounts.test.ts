// Mounts of type image: the files of another image, read-only, whatever becomes of its name.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eachClient, fails, ok, unique } from "../harness/clients.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];
const mount = (image: string, more = "") => ["--mount", `type=image,source=${image},target=/x${more}`];
const sh = (client: Client, flags: readonly string[], script: string) =>
  client("run", "--rm", ...NET, ...flags, "busybox", "sh", "-c", script);

/** Layers of which the upper one adds, changes and removes what the lower one has. Others than busybox's own. */
async function makeImage(): Promise<string> {
  const image = `${unique("files")}:v1`;
  const steps = [
    "mkdir -p /data/sub /gone && echo one >/data/one && echo deep >/data/sub/deep && touch /gone/x && chmod 710 /data",
    "rm -r /gone && echo two >/data/two && chown 1000:1001 /data/one && chmod 4750 /data/one && ln -s /etc /data/etc" +
      " && ln -s sub /data/inside && ln -s ../../../.. /data/above",
  ];
  let from = "busybox";
  for (const step of steps) {
    const name = unique();
    await ok(hoy.hoy("run", "--name", name, ...NET, from, "sh", "-c", step));
    await ok(hoy.hoy("commit", name, image));
    await ok(hoy.hoy("rm", name));
    from = image;
  }
  return image;
}

const made = await makeImage();

/** An image of a test's own. */
async function imageWithFiles(): Promise<string> {
  const image = `${unique("mounted")}:v1`;
  const name = unique();
  await ok(hoy.hoy("create", "--name", name, made, "true"));
  await ok(hoy.hoy("commit", "-c", `LABEL own=${image}`, name, image));
  await ok(hoy.hoy("rm", name));
  return image;
}

describe("a mount of type image", () => {
  eachClient(hoy, "shows the image's files, with their owners and modes, and can't be written", async (client) => {
    const image = await imageWithFiles();
    const look = "cat /x/data/two /x/data/sub/deep; stat -c '%u:%g %a' /x/data/one; stat -c %a /x/data; ls -d /x/gone";
    for (const flags of [[], ["--userns", "host"]]) {
      const seen = await sh(client, [...flags, ...mount(image)], `${look}; touch /x/new`);
      expect(seen.stdout).toBe("two\ndeep\n1000:1001 4750\n710\n");
      expect(seen.stderr).toContain("ls: /x/gone: No such file");
      expect(seen.stderr).toContain("touch: /x/new: Read-only file system");
    }
    await ok(client("rmi", image));
  });

  eachClient(hoy, "is in inspect, with the image as it was named", async (client) => {
    const [name, image] = [unique(), await imageWithFiles()];
    await ok(client("create", "--name", name, ...NET, ...mount(image), "busybox", "true"));
    const { Mounts, HostConfig } = JSON.parse(await ok(client("inspect", name)))[0];
    expect(Mounts).toMatchObject([
      { Type: "image", Name: image, Destination: "/x", RW: false, Propagation: "rprivate" },
    ]);
    expect(HostConfig.Mounts).toMatchObject([{ Type: "image", Source: image, Target: "/x" }]);
    await ok(client("rm", name));
    await ok(client("rmi", image));
  });

  eachClient(hoy, "gives a directory or a file of it, and no link leads out", async (client) => {
    const image = await imageWithFiles();
    expect(await ok(sh(client, mount(image, ",image-subpath=data/sub"), "ls /x"))).toBe("deep");
    expect(await ok(sh(client, mount(image, ",image-subpath=data/inside"), "ls /x"))).toBe("deep");
    expect(await ok(sh(client, mount(image, ",image-subpath=data/sub/deep"), "cat /x"))).toBe("deep");
    await fails(sh(client, mount(image, ",image-subpath=../x"), "true"), 125, "subpath must be a relative path");
    for (const link of ["data/etc", "data/above", "data/etc/passwd"]) {
      await fails(sh(client, mount(image, `,image-subpath=${link}`), "true"), 125, "escapes the base directory");
    }
    const missing = `cannot access path data/nosuch in image ${image}`;
    await fails(sh(client, mount(image, ",image-subpath=data/nosuch"), "true"), 127, missing);
    await ok(client("rmi", image));
  });

  eachClient(
    hoy,
    "holds the image: removed only by force while the container is down, and its files stay",
    async (client) => {
      const [name, image] = [unique(), await imageWithFiles()];
      await ok(client("run", "-d", "--name", name, ...NET, ...mount(image), "busybox", "sleep", "1000"));
      const id = (await ok(client("inspect", "-f", "{{.Id}}", name))).slice(0, 12);
      await fails(client("rmi", image), 1, `container ${id} is using its referenced image`);
      await fails(client("rmi", "-f", await ok(client("inspect", "-f", "{{.Id}}", image))), 1, "cannot be forced");
      await ok(client("image", "prune", "-f", "--all", "--filter", `label=own=${image}`));
      await ok(client("inspect", image));
      await ok(client("stop", "-t", "0", name));
      await ok(client("rmi", "-f", image));
      await fails(client("inspect", "--type", "image", image), 1, /no such image/i);
      await ok(client("start", name));
      expect(await ok(client("exec", name, "cat", "/x/data/two"))).toBe("two");
      await ok(client("rm", "-f", name));
    },
  );

  eachClient(hoy, "of an image that is not here is refused, and leaves nothing", async (client) => {
    const name = unique();
    const made = client("create", "--name", name, ...NET, "--pull", "never", ...mount("nosuch:v1"), "busybox", "true");
    await fails(made, 1, "No such image: nosuch:v1");
    await fails(client("inspect", name), 1, /no such object/i);
  });

  eachClient(hoy, "goes along with volumes-from", async (client) => {
    const [name, image] = [unique(), await imageWithFiles()];
    await ok(client("create", "--name", name, ...NET, ...mount(image), "busybox", "true"));
    expect(await ok(sh(client, ["--volumes-from", name], "cat /x/data/two"))).toBe("two");
    await ok(client("rm", name));
    await ok(client("rmi", image));
  });

  test("can't be mixed with options of others", async () => {
    const create = async (more: object) => {
      const Mount = { Type: "image", Source: "busybox", Target: "/x", ...more };
      const body = { Image: "busybox", Cmd: ["true"], HostConfig: { Mounts: [Mount] } };
      return (await hoy.api("POST", "/containers/create", body)).json;
    };
    const message = 'invalid mount config for type "image": field Source must not be empty';
    expect(await create({ Source: "" })).toEqual({ message });
    for (const options of ["BindOptions", "VolumeOptions", "TmpfsOptions"]) {
      expect(await create({ [options]: {} })).toEqual({
        message: `${options} must not be specified on mount type "image"`,
      });
    }
  });

  test("outlives the daemon, is held by the next one, and is found by cp", async () => {
    const [up, down, image] = [unique(), unique(), await imageWithFiles()];
    await ok(hoy.hoy("run", "-d", "--name", up, ...NET, ...mount(image), "busybox", "sleep", "1000"));
    await ok(hoy.hoy("create", "--name", down, ...NET, ...mount(image), "busybox", "cat", "/x/data/two"));
    await hoy.restart("SIGKILL");
    expect(await ok(hoy.hoy("exec", up, "cat", "/x/data/sub/deep"))).toBe("deep");
    await fails(hoy.hoy("rmi", image), 1, "is using its referenced image");
    expect(await ok(hoy.hoy("start", "-a", down))).toBe("two");
    const out = join(hoy.root, unique("out"));
    await ok(hoy.hoy("cp", `${down}:/x/data/sub/deep`, out));
    expect(readFileSync(out, "utf8")).toBe("deep\n");
    await fails(hoy.hoy("cp", out, `${down}:/x/data/`), 1, /read-only/);
    await ok(hoy.hoy("rm", "-f", up, down));
    await ok(hoy.hoy("rmi", image));
  });
});
