// RUN --mount's keys by type, and what is said of wrong ones.

import { expect, test } from "bun:test";
import { Fault } from "../fault.ts";
import { readCsv } from "./csv.ts";
import { mountSource, readMount } from "./mount.ts";
import { parseSize } from "./values.ts";

const asIs = (word: string) => word;

test.each([
  ["target=/a", { type: "bind", target: "/a", readonly: true }],
  ["type=bind,dst=/a,rw", { readonly: false }],
  ["type=bind,destination=/a,readwrite=false", { target: "/a", readonly: true }],
  ["type=cache,target=/c", { type: "cache", readonly: false, sharing: undefined }],
  [
    "type=cache,id=x,sharing=LOCKED,mode=0700,uid=1,gid=2,ro,target=/c",
    { id: "x", sharing: "locked", mode: 0o700, uid: 1, gid: 2, readonly: true },
  ],
  ["type=tmpfs,size=1.5m,target=/t", { type: "tmpfs", size: 1572864, readonly: false }],
  ["type=secret,id=k,env=KEY,required", { type: "secret", id: "k", env: "KEY", required: true }],
  ["type=ssh,required=true", { type: "ssh", required: true }],
  ['type=bind,"source=a,b",target=/x', { source: "a,b" }],
  ["from=build,src=/o,target=/x", { from: "build", source: "/o" }],
])("%s", (text, wanted) => {
  expect(readMount(text, asIs)).toMatchObject(wanted);
});

test.each([
  ["type=bnd", 'unsupported mount type "bnd" (did you mean bind?)'],
  ["type=cache,sharing=shard", 'unsupported sharing value "shard" (did you mean shared?)'],
  ["type=bind,sharing=shared", "invalid cache sharing set for bind mount"],
  ["type=bind,size=1m", "unexpected key 'size' for mount type 'bind'"],
  ["type=tmpfs,size=x", "invalid value for size: x"],
  ["type=cache,required", "unexpected key 'required' for mount type 'cache'"],
  ["type=secret,required=maybe,id=x", "invalid value for required: maybe"],
  ["type=secret", "invalid secret mount. one of source, target required"],
  ["type=secret,id=x,from=y", "secret mount should not have a from"],
  ["type=secret,id=x,src=y", "both source and id can't be set"],
  ["type=secret,id=x,sharing=shared", "secret mount should not define sharing"],
  ["type=bind,mode=0700", 'mode not allowed for "bind" type mounts'],
  ["type=tmpfs,uid=1", 'uid not allowed for "tmpfs" type mounts'],
  ["type=cache,mode=0799", "invalid value 0799 for mode"],
  ["type=cache,uid=4294967296", "invalid value 4294967296 for uid"],
  ["type=bind,rw=x", "invalid value for rw: x"],
  ["type=bind,nokey", "invalid field 'nokey' must be a key=value pair"],
  ["type=bind,tagret=/x", "unexpected key 'tagret' in 'tagret=/x' (did you mean target?)"],
])("wrong: %s", (text, fault) => {
  expect(() => readMount(text, asIs)).toThrow(new Fault(fault));
});

test("values may hold variables; where a mount is from may not", () => {
  expect(readMount("type=cache,target=$d", (word) => word.replace("$d", "/x"))).toMatchObject({ target: "/x" });
  expect(mountSource("type=$t,from=a")).toBe("a");
  expect(mountSource("from=a$")).toBe("a$");
  expect(() => mountSource("from=$a")).toThrow("doesn't support variable expansion");
});

test("comma-separated fields as Go reads them", () => {
  expect(readCsv('a,"b,c",,"d""e"')).toEqual(["a", "b,c", "", 'd"e']);
  expect(() => readCsv('a,"b')).toThrow('extraneous or missing " in quoted-field');
  expect(() => readCsv('"a"b')).toThrow('extraneous or missing " in quoted-field');
});

test("sizes", () => {
  expect(["1", "1k", "2GiB", "1.5 kb", "64M", "b", "-1", "1x"].map(parseSize)).toEqual([
    1,
    1024,
    2 ** 31,
    1536,
    64 * 2 ** 20,
    undefined,
    undefined,
    undefined,
  ]);
});
