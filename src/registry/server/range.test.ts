import { expect, test } from "bun:test";
import fc from "fast-check";
import { isRepositoryName, isTag, parseAnyDigest } from "./names.ts";
import { parseRange } from "./range.ts";
import { parseRoute } from "./route.ts";

test("a range is always inside the blob, whatever was asked", () => {
  const header = fc.oneof(
    fc.string(),
    fc.tuple(fc.nat(), fc.nat()).map(([first, last]) => `bytes=${first}-${last}`),
    fc.nat().map((count) => `bytes=-${count}`),
  );
  fc.assert(
    fc.property(header, fc.nat(), (text, size) => {
      const range = parseRange(text, size);
      if (range === undefined || range === "unsatisfiable") return;
      expect(range.start).toBeGreaterThanOrEqual(0);
      expect(range.end).toBeGreaterThan(range.start);
      expect(range.end).toBeLessThanOrEqual(size);
    }),
  );
});

test("names that are none", () => {
  for (const name of ["", "A", "a/", "/a", "a//b", "..", "a/../b", "a_-b", "-a", "a".repeat(256)])
    expect([name, isRepositoryName(name)]).toEqual([name, false]);
  for (const name of ["a", "a/b", "a__b", "a--b/c.d", "a".repeat(255)]) expect(isRepositoryName(name)).toBe(true);
  for (const tag of ["", ".a", "-a", "a/b", "a".repeat(129)]) expect(isTag(tag)).toBe(false);
  for (const digest of ["sha256:abc", `sha256:${"A".repeat(64)}`, `sha512:${"a".repeat(64)}`, `../${"a".repeat(64)}`])
    expect(parseAnyDigest(digest)).toBeUndefined();
});

test("the last segments of a path decide", () => {
  const digest = `sha256:${"a".repeat(64)}`;
  expect(parseRoute(`/v2/blobs/manifests/blobs/${digest}`)).toEqual({
    kind: "blob",
    name: "blobs/manifests",
    reference: digest,
  });
  expect(parseRoute("/v2/a/blobs/uploads/")).toEqual({ kind: "uploads", name: "a" });
  expect(parseRoute("/v2/a/blobs/uploads/id")).toEqual({ kind: "upload", name: "a", reference: "id" });
  expect(parseRoute("/v2/tags/list/tags/list")).toEqual({ kind: "tags", name: "tags/list" });
  expect(parseRoute("/v3/")).toBeUndefined();
});
