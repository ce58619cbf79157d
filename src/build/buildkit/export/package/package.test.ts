import { describe, expect, test } from "bun:test";
import { annotationsFor, annotationsIn } from "./annotations.ts";
import { attestationsOf, mustAttest } from "./attestations.ts";
import { readerOf } from "./packages.ts";
import { provenance, provenanceOptions } from "./provenance.ts";

describe("annotations", () => {
  test("levels and platforms", () => {
    const found = annotationsIn({
      name: "x",
      "annotation.a": "1",
      "annotation-index.b": "2",
      "annotation-manifest[linux/arm64].c.d": "3",
      "annotation-manifest-descriptor.e": "4",
    });
    expect(annotationsFor(found, "manifest", "linux/amd64")).toEqual({ annotations: { a: "1" } });
    expect(annotationsFor(found, "manifest", "linux/arm64")).toEqual({ annotations: { a: "1", "c.d": "3" } });
    expect(annotationsFor(found, "index")).toEqual({ annotations: { b: "2" } });
    expect(annotationsFor(found, "index-descriptor")).toEqual({});
  });
  test.each(["annotation.", "annotation-none.a", "annotation-index[linux/amd64].a"])("%s is refused", (name) => {
    expect(() => annotationsIn({ [name]: "x" })).toThrow("annotation");
  });
});

describe("what is asked for", () => {
  test("buildx's own wish goes along only where it costs nothing", () => {
    expect(mustAttest(attestationsOf({}))).toBe(false);
    expect(mustAttest(attestationsOf({ "attest:provenance": "mode=min,inline-only=true" }))).toBe(false);
    expect(mustAttest(attestationsOf({ "attest:provenance": "disabled=true" }))).toBe(false);
    expect(mustAttest(attestationsOf({ "attest:provenance": "mode=max" }))).toBe(true);
    expect(mustAttest(attestationsOf({ "attest:sbom": "" }))).toBe(true);
  });
  test.each([
    [{ "attest:other": "" }, "unknown attestation type"],
    [{ "attest:sbom": "generator=some/image" }, "generators of SBOMs"],
    [{ "attest:provenance": "mode=most" }, "invalid provenance mode"],
    [{ "attest:provenance": "version=v9" }, "invalid provenance version"],
  ] as const)("%j is refused", (attrs, words) => {
    expect(() => attestationsOf(attrs)).toThrow(words);
  });
});

test("mode=min says nothing of arguments; passwords in URLs are in no mode", () => {
  const facts = {
    ref: "r",
    frontend: "dockerfile.v0",
    attrs: { "build-arg:TOKEN": "t0p", target: "x", context: "https://me:pw@example.com/r.git" },
    started: "2024-01-01T00:00:00Z",
    finished: "2024-01-01T00:00:01Z",
    file: { name: "Dockerfile", text: "FROM scratch\n" },
  };
  for (const version of ["v0.2", "v1"] as const) {
    const [least, most] = (["min", "max"] as const).map((mode) => {
      const options = provenanceOptions(`mode=${mode},version=${version}`);
      return options === undefined ? "" : JSON.stringify(provenance(options, facts, undefined, []));
    });
    expect(least).not.toContain("t0p");
    expect(most).toContain("t0p");
    expect(`${least}${most}`).not.toContain("pw@");
    expect(most).toContain(Buffer.from(facts.file.text).toString("base64"));
  }
});

describe("packages", () => {
  const read = (path: string, text: string) => readerOf(path)?.(text).map(({ purl }) => purl);
  test("of databases and lock files", () => {
    expect(read("lib/apk/db/installed", "P:musl\nV:1.2.5-r0\nA:x86_64\n\nP:broken\n")).toEqual([
      "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64",
    ]);
    expect(read("app/Cargo.lock", 'version = 3\n\n[[package]]\nname = "libc"\nversion = "0.2.1"\n')).toEqual([
      "pkg:cargo/libc@0.2.1",
    ]);
    expect(read("app/go.sum", "a.b/c v1.0.0 h1:x=\na.b/c v1.0.0/go.mod h1:y=\n")).toEqual(["pkg:golang/a.b/c@v1.0.0"]);
    expect(read("app/package-lock.json", "not json")).toEqual([]);
    expect(readerOf("etc/passwd")).toBeUndefined();
    expect(readerOf("app/constructor")).toBeUndefined();
  });
});
