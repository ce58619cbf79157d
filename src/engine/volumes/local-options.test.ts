import { describe, expect, test } from "bun:test";
import { MS } from "../../linux/mount.ts";
import { parseLocalOptions } from "./local-options.ts";

describe("options of the volume driver local", () => {
  test("none: a directory of ours", () => {
    expect(parseLocalOptions({})).toEqual({
      mount: undefined,
      owner: { uid: undefined, gid: undefined, mode: undefined },
      size: undefined,
    });
  });

  test("a size is a limit of a directory, or what a disk in a file has room for", () => {
    expect(parseLocalOptions({ size: "1.5g", uid: "7" })).toMatchObject({ mount: undefined, size: 1.5 * 2 ** 30 });
    expect(parseLocalOptions({ type: "loop", size: "64m", o: "ro,noatime", mode: "700" })).toMatchObject({
      mount: { type: "loop", device: "", flags: MS.RDONLY | 1024, data: "discard" },
      owner: { mode: 0o700 },
      size: 2 ** 26,
    });
  });

  test("what nfs and cifs give to mount(2)", () => {
    const nfs = { type: "nfs4", device: ":/srv/x", o: "addr=192.0.2.1,rw,soft,timeo=50,nolock,noexec,nosuid" };
    expect(parseLocalOptions(nfs)).toMatchObject({
      mount: {
        type: "nfs4",
        device: ":/srv/x",
        flags: MS.NOEXEC | MS.NOSUID,
        data: "addr=192.0.2.1,soft,timeo=50,nolock",
      },
      size: undefined,
    });
    const cifs = { type: "cifs", device: "//server/share", o: "addr=192.0.2.2,username=u,file_mode=0777,ro" };
    expect(parseLocalOptions(cifs)).toMatchObject({
      mount: { device: "//server/share", flags: MS.RDONLY, data: "addr=192.0.2.2,username=u,file_mode=0777" },
    });
  });

  test("a comma in a password of cifs, written twice, ends no word", () => {
    const cifs = { type: "cifs", device: "//server/share", o: "username=u,password=a,,ro,,b,rw,vers=3.0" };
    expect(parseLocalOptions(cifs).mount).toMatchObject({
      flags: 0,
      data: "username=u,password=a,,ro,,b,vers=3.0",
    });
    expect(parseLocalOptions({ type: "nfs", device: ":/x", o: "soft,,ro" }).mount).toMatchObject({
      flags: MS.RDONLY,
      data: "soft",
    });
  });

  test("a bind of another directory, in both spellings", () => {
    for (const options of [
      { type: "none", o: "bind", device: "/srv" },
      { type: "bind", o: "", device: "/srv" },
    ]) {
      expect(parseLocalOptions(options).mount).toMatchObject({ device: "/srv", flags: MS.BIND, data: "" });
    }
  });

  test("flags and data of o are told apart, the later word wins", () => {
    expect(parseLocalOptions({ type: "nfs", device: ":/x", o: "addr=192.0.2.1,ro,rw,nosuid,nfsvers=4" }).mount).toEqual(
      {
        type: "nfs",
        device: ":/x",
        flags: MS.NOSUID,
        propagation: 0,
        data: "addr=192.0.2.1,nfsvers=4",
      },
    );
  });

  test("tmpfs takes size and owner", () => {
    const options = { type: "tmpfs", device: "tmpfs", o: "noexec", size: "1m", uid: "5", gid: "6", mode: "0750" };
    expect(parseLocalOptions(options).mount).toMatchObject({
      flags: MS.NOEXEC,
      data: "size=1m,uid=5,gid=6,mode=750",
    });
  });

  test.each([
    [{ foo: "bar" }, 'invalid option: "foo"'],
    [{ type: "tmpfs" }, 'missing required option: "device"'],
    [{ device: "/x" }, 'missing required option: "type"'],
    [{ o: "ro" }, 'missing required option: "device"'],
    [{ type: "none", o: "bind", device: "/srv", size: "1g" }, "quota size requested but no quota support"],
    [{ size: "much" }, 'invalid size: "much"'],
    [{ size: "0" }, "invalid size"],
    [{ type: "loop" }, 'missing required option: "size"'],
    [{ type: "loop", size: "10k" }, "between 1MiB and 16TiB"],
    [{ type: "loop", size: "17t" }, "between 1MiB and 16TiB"],
    [{ type: "loop", size: "1g", device: "/dev/sda" }, "takes no device"],
    [{ type: "loop", size: "1g", o: "bind" }, "invalid mount option: bind"],
    [{ type: "tmpfs", device: "" }, "missing device in volume options"],
    [{ type: "none", o: "bind", device: "../etc" }, "must be an absolute path"],
    [{ type: "none", o: "bind", device: "/srv", uid: "1" }, "can't be set"],
    [{ uid: "-1" }, 'invalid uid: "-1"'],
    [{ gid: "4294967295" }, "invalid gid"],
    [{ mode: "0999" }, 'invalid mode: "0999"'],
    [{ mode: "17777" }, "invalid mode"],
    [{ type: "tmpfs", device: "tmpfs", o: "remount" }, "invalid mount option: remount"],
  ])("%j is refused: %s", (options, words) => {
    expect(() => parseLocalOptions(options as unknown as Record<string, string>)).toThrow(words);
  });
});
