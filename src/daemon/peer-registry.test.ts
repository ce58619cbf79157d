import { expect, test } from "bun:test";
import { peerRegistrySettings } from "./peer-registry.ts";

test("off without the key, all images unless said", () => {
  expect(peerRegistrySettings({})).toBeUndefined();
  expect(peerRegistrySettings({ listen: "[fd00::1]:5001", networks: ["fd00::/64"] })).toEqual({
    host: "fd00::1",
    port: 5001,
    networks: ["fd00::/64"],
    images: ["**"],
    tls: undefined,
  });
});

test.each([
  [{ listen: "10.0.0.1:5001" }, "images are not for everybody"],
  [{ listen: "10.0.0.1:5001", tlscert: "/a", tlskey: "/b" }, "images are not for everybody"],
  [{ listen: "peer:5001", networks: ["10.0.0.0/8"] }, '"listen" must be an address and a port'],
  [{ listen: "10.0.0.1:70000", networks: ["10.0.0.0/8"] }, '"listen" must be an address and a port'],
  [{ networks: ["10.0.0.0/8"] }, '"listen" must be an address and a port'],
  [{ listen: "10.0.0.1:1", networks: ["10.0.0.0"] }, '"10.0.0.0" is no network'],
  [{ listen: "10.0.0.1:1", networks: "10.0.0.0/8" }, '"networks" must be a list of texts'],
  [{ listen: "10.0.0.1:1", networks: ["10.0.0.0/8"], images: ["["] }, "syntax error in pattern"],
  [{ listen: "10.0.0.1:1", tlscert: "/a", tlscacert: "/c" }, '"tlscert" and "tlskey" go together'],
  [{ listen: "10.0.0.1:1", networks: ["10.0.0.0/8"], tlscacert: "/c" }, '"tlscacert" needs'],
  [{ listen: "10.0.0.1:1", networks: ["10.0.0.0/8"], tlskey: "k", tlscert: "c" }, "must be an absolute path"],
  [{ listen: "10.0.0.1:1", network: [] }, '"network" is none of'],
])("%p is refused", (given, message) => {
  expect(() => peerRegistrySettings(given)).toThrow(message);
});
