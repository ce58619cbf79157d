import { expect, test } from "bun:test";
import { decodeRegistryAuth } from "./auth.ts";

const encode = (value: unknown, alphabet: "base64" | "base64url" = "base64url") =>
  Buffer.from(JSON.stringify(value)).toString(alphabet);

test("credentials in either alphabet, with padding or without", () => {
  const auth = { username: "jim", password: "pass>word?~", serveraddress: "r.example" };
  expect(decodeRegistryAuth(encode(auth))).toEqual(auth);
  expect(decodeRegistryAuth(encode(auth, "base64"))).toEqual(auth);
  expect(decodeRegistryAuth(encode({ identitytoken: "t" }))).toEqual({ identitytoken: "t" });
});

test("nothing to say is no credentials", () => {
  for (const nothing of ["", encode({}), encode(null), encode({ username: "", password: "" })]) {
    expect(decodeRegistryAuth(nothing)).toBeUndefined();
  }
});

test("what is wrong is refused without being repeated", () => {
  for (const bad of ["%%%", encode("text"), encode([1]), encode({ username: 3 }), "A".repeat(100_000), "e30!"]) {
    expect(() => decodeRegistryAuth(bad)).toThrow(/^invalid X-Registry-Auth header$/);
  }
});
