import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  canonicalString,
  familiarString,
  identifierPrefix,
  imageIdentifier,
  parseReference,
  tryParseReference,
  withDefaultTag,
  withTag,
} from "./reference.ts";

const HEX = "a".repeat(64);

describe("parseReference", () => {
  // text, normalised with default tag, as shown to users
  const good: readonly [string, string, string][] = [
    ["busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
    ["docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["index.docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["team/app", "docker.io/team/app:latest", "team/app:latest"],
    ["localhost/app", "localhost/app:latest", "localhost/app:latest"],
    ["localhost", "docker.io/library/localhost:latest", "localhost:latest"],
    ["127.0.0.1:5000/app:v1", "127.0.0.1:5000/app:v1", "127.0.0.1:5000/app:v1"],
    ["[fc00::1]:5000/a/b", "[fc00::1]:5000/a/b:latest", "[fc00::1]:5000/a/b:latest"],
    ["LOCALDOMAIN/app", "LOCALDOMAIN/app:latest", "LOCALDOMAIN/app:latest"],
    ["192.168.0.1:80", "docker.io/library/192.168.0.1:80", "192.168.0.1:80"],
    ["library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"],
    ["dock__er/a---b.c", "docker.io/dock__er/a---b.c:latest", "dock__er/a---b.c:latest"],
    [`docker.io/${HEX}`, `docker.io/library/${HEX}:latest`, `${HEX}:latest`],
    [`app@sha256:${HEX}`, `docker.io/library/app@sha256:${HEX}`, `app@sha256:${HEX}`],
    [`app:v1@sha256:${HEX}`, `docker.io/library/app:v1@sha256:${HEX}`, `app:v1@sha256:${HEX}`],
  ];
  for (const [text, canonical, familiar] of good) {
    test(text, () => {
      const ref = withDefaultTag(parseReference(text));
      expect(canonicalString(ref)).toBe(canonical);
      expect(familiarString(ref)).toBe(familiar);
    });
  }

  const bad: readonly [string, string][] = [
    ["", "repository name must have at least one component"],
    ["Busybox", "invalid reference format: repository name (library/Busybox) must be lowercase"],
    ["docker/Docker", "invalid reference format: repository name (docker/Docker) must be lowercase"],
    [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
    ["-docker", "invalid reference format"],
    ["docker///docker", "invalid reference format"],
    ["https://github.com/docker/docker", "invalid reference format"],
    ["docker/", "invalid reference format"],
    ["dock..er/docker", "invalid reference format"],
    ["a:b:c", "invalid reference format"],
    ["[fe80::1%eth0]:5000/debian", "invalid reference format"],
    ["[fc00::1]", "invalid reference format"],
    [`a:${"x".repeat(129)}`, "invalid reference format"],
    ["x".repeat(300), "repository name must not be more than 255 characters"],
    [`app@sha256:${"a".repeat(40)}`, "invalid checksum digest length"],
    [`app@sha256:${"A".repeat(64)}`, "invalid checksum digest format"],
    [`app@md7:${HEX}`, "unsupported digest algorithm"],
    ["a".repeat(100_000), "invalid reference format"],
  ];
  for (const [text, message] of bad) {
    test(`refuses ${text.slice(0, 60)}`, () => expect(() => parseReference(text)).toThrow(message));
  }

  test("what a user is shown reads back as the same name", () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}([._-][a-z0-9]{1,4})?$/);
    const tag = fc.stringMatching(/^[\w][\w.-]{0,20}$/);
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), tag, (parts, name) => {
        const ref = tryParseReference(`${parts.join("/")}:${name}`);
        if (ref === undefined) return;
        expect(parseReference(familiarString(ref))).toEqual(ref);
        expect(parseReference(canonicalString(ref))).toEqual(ref);
      }),
    );
  });
});

test("a bad tag is refused", () => {
  expect(() => withTag(parseReference("a"), "-x")).toThrow("invalid tag format");
});

test("ids and prefixes of ids", () => {
  expect(imageIdentifier(`sha256:${HEX}`)).toBe(HEX);
  expect(imageIdentifier(HEX)).toBe(HEX);
  expect(imageIdentifier("abc")).toBeUndefined();
  expect(identifierPrefix("sha256:abc")).toBe("abc");
  expect(identifierPrefix("abc1")).toBe("abc1");
  expect(identifierPrefix("xyz")).toBeUndefined();
  expect(identifierPrefix("")).toBeUndefined();
});
