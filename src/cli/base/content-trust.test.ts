import { expect, test } from "bun:test";
import { contentTrustFlag, refuseContentTrust } from "./content-trust.ts";

const given = (DOCKER_CONTENT_TRUST?: string) => contentTrustFlag("", { DOCKER_CONTENT_TRUST }).initial;

test("DOCKER_CONTENT_TRUST is read as docker reads it", () => {
  expect(["1", "true", "maybe"].map(given)).toEqual([false, false, false]);
  expect([undefined, "", "0", "false"].map(given)).toEqual([true, true, true, true]);
});

test("who asks for it is refused, and told what to do", () => {
  expect(() => refuseContentTrust(true)).not.toThrow();
  expect(() => refuseContentTrust(false)).toThrow("unset DOCKER_CONTENT_TRUST");
});
