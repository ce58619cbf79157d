import { describe, expect, test } from "bun:test";
import { MS } from "../../linux/mount.ts";
import { parseLocalOptions } from "./local-options.ts";

describe("options of the volume driver local", () => {
  test("none: a directory of ours", () => {
    expect(parseLocalOptions({})).toEqual({
      mount: undefined,
      owner: { uid: undefined, gid: undefined, mode: undefined },
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
    [{ size: "1g" }, "quota size requested but no quota support"],
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
