import { describe, expect, test } from "bun:test";
import { parseBind, parseMount, parseVolumesFrom } from "./mount-parse.ts";

describe("-v", () => {
  test("a path on the host, a volume's name, a path alone", () => {
    expect(parseBind("/a/../b/:/c/", "")).toMatchObject({
      type: "bind",
      source: "/b",
      destination: "/c",
      rw: true,
      propagation: "rprivate",
      createSource: true,
    });
    expect(parseBind("data:/c:ro", "")).toMatchObject({ type: "volume", source: "data", rw: false, copyUp: true });
    expect(parseBind("data:/c:nocopy", "")).toMatchObject({ copyUp: false, mode: "nocopy" });
    expect(parseBind("/c", "")).toMatchObject({ type: "volume", source: "", destination: "/c" });
    expect(parseBind("/a:/b:ro,rshared,z", "")).toMatchObject({ rw: false, propagation: "rshared" });
  });

  // [as typed, type, source, destination, writable, propagation]
  test.each([
    ["/home", "volume", "", "/home", true, ""],
    ["/with space", "volume", "", "/with space", true, ""],
    ["/home:/with space:ro", "bind", "/home", "/with space", false, "rprivate"],
    ["/tmp//x/:/y//z/", "bind", "/tmp/x", "/y/z", true, "rprivate"],
    ["/a:/b:rw,Z,cached", "bind", "/a", "/b", true, "rprivate"],
    ["/a:/b:z,delegated,slave", "bind", "/a", "/b", true, "slave"],
    ["/a:/b:rslave,ro", "bind", "/a", "/b", false, "rslave"],
    ["/a:/b:shared", "bind", "/a", "/b", true, "shared"],
    ["/a:/b:private", "bind", "/a", "/b", true, "private"],
    ["name:/b:ro,consistent", "volume", "name", "/b", false, ""],
    ["name1.2-x_y:/b/../c", "volume", "name1.2-x_y", "/c", true, ""],
    ["../name:/b", "volume", "../name", "/b", true, ""], // refused when the volume is made, as in Docker
  ])("%p is %s of %p at %p", (text, type, source, destination, rw, propagation) => {
    expect(parseBind(text, "")).toMatchObject({ type, source, destination, rw, propagation });
  });

  test.each([
    ["", "invalid volume specification: ''"],
    ["/:/", "destination can't be '/'"],
    ["/a:./b", "mount path must be absolute"],
    ["name:b", "invalid mount path: 'b' mount path must be absolute"],
    ["/a::", "field Target must not be empty"],
    ["/a::ro", "field Target must not be empty"],
    ["/a:/b:z,Z", "invalid mode: z,Z"],
    ["/a:/b:shared,slave", "invalid mode: shared,slave"],
    ["/a:/b:cached,delegated", "invalid mode: cached,delegated"],
    ["/a:/b:ro,", "invalid mode: ro,"],
    ["/a:/b:RO", "invalid mode: RO"],
    ["name:/b:nocopy,nocopy", "invalid mode: nocopy,nocopy"],
    ["name:/b:rshared", 'invalid mount config for type "volume": field BindOptions must not be specified'],
    ["/a:/b:nocopy", 'invalid mount config for type "bind": field VolumeOptions must not be specified'],
    [":/c", "invalid volume specification: ':/c'"],
    ["/a:/b:ro:x", "invalid volume specification: '/a:/b:ro:x'"],
    ["/a:ro", "invalid volume specification: '/a:ro'"],
    ["/a:/b:rw,ro", "invalid mode: rw,ro"],
    ["/a:/b:fast", "invalid mode: fast"],
    ["/a:b", "invalid mount path: 'b' mount path must be absolute"],
    ["/a:/", "invalid specification: destination can't be '/'"],
    ["/a:/x/..", "invalid specification: destination can't be '/'"],
  ])("%p is refused in Docker's words", (text, words) => {
    expect(() => parseBind(text, "")).toThrow(words);
  });
});

describe("--mount", () => {
  test("each kind", () => {
    expect(parseMount({ Type: "bind", Source: "/a", Target: "/b", ReadOnly: true })).toMatchObject({
      createSource: false,
      rw: false,
    });
    expect(parseMount({ Type: "volume", Target: "/b" })).toMatchObject({ source: "", driver: "local", copyUp: true });
    expect(parseMount({ Type: "tmpfs", Target: "/b" })).toMatchObject({ type: "tmpfs" });
    expect(
      parseMount({ Type: "volume", Source: "v", Target: "/b", VolumeOptions: { Subpath: "x/y", NoCopy: true } }),
    ).toMatchObject({ subpath: "x/y", copyUp: false });
  });

  test.each([
    [{ Type: "bind", Target: "/b" }, "field Source must not be empty"],
    [{ Type: "bind", Source: "/a" }, "field Target must not be empty"],
    [{ Type: "bind", Source: "a", Target: "/b" }, "mount path must be absolute"],
    [{ Type: "bind", Source: "/a", Target: "/b", VolumeOptions: {} }, "field VolumeOptions must not be specified"],
    [{ Type: "tmpfs", Source: "/a", Target: "/b" }, "field Source must not be specified"],
    [{ Type: "volume", Target: "/b", ReadOnly: true }, "must not set ReadOnly mode when using anonymous volumes"],
    [
      { Type: "volume", Source: "v", Target: "/b", VolumeOptions: { Subpath: "../x" } },
      "subpath must be a relative path",
    ],
    [{ Type: "nfs", Source: "/a", Target: "/b" }, "mount type unknown"],
  ])("%p is refused", (mount, words) => {
    expect(() => parseMount(mount as never)).toThrow(words);
    expect(() => parseMount(mount as never)).toThrow("invalid mount config for type");
  });

  test("an image is read-only, whatever is asked", () => {
    const mount = { Type: "image", Source: "x:v1", Target: "/b/", ImageOptions: { Subpath: "etc" } } as const;
    expect(parseMount({ ...mount, ReadOnly: false })).toMatchObject({
      type: "image",
      source: "x:v1",
      destination: "/b",
      rw: false,
      subpath: "etc",
    });
  });
});

test("--volumes-from", () => {
  expect(parseVolumesFrom("web")).toEqual({ container: "web", readOnly: false });
  expect(parseVolumesFrom("web:ro")).toEqual({ container: "web", readOnly: true });
  expect(() => parseVolumesFrom("web:rshared")).toThrow("invalid mode: rshared");
  expect(() => parseVolumesFrom("")).toThrow("cannot be an empty string");
});
