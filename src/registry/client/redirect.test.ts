import { describe, expect, test } from "bun:test";
import { type Nearness, nearness, nearnessOf, redirectTarget } from "./redirect.ts";

const NAMES: Record<string, string[]> = {
  "registry.example": ["203.0.113.7"],
  "store.example": ["198.51.100.1"],
  "evil.example": ["198.51.100.2", "127.0.0.1"],
  "inside.example": ["10.1.2.3"],
};
const resolve = async (name: string) => NAMES[name] ?? [];
const target = (from: string, to: string | null) => redirectTarget(from, to, resolve);

test("how near addresses are", () => {
  const cases: [string, Nearness][] = [
    ["8.8.8.8", nearness.world],
    ["2001:db8::1", nearness.world],
    ["10.0.0.1", nearness.network],
    ["172.31.0.1", nearness.network],
    ["172.32.0.1", nearness.world],
    ["fd00::1", nearness.network],
    ["127.0.0.53", nearness.host],
    ["0.0.0.0", nearness.host],
    ["::1", nearness.host],
    ["::ffff:127.0.0.1", nearness.host],
    ["169.254.169.254", nearness.link],
    ["fe80::1", nearness.link],
  ];
  for (const [address, near] of cases) expect({ address, near: nearnessOf(address) }).toEqual({ address, near });
});

describe("a registry may lead", () => {
  const may: [string, string][] = [
    ["https://registry.example/v2/a", "https://store.example/x?signed=1"],
    ["https://registry.example/v2/a", "/v2/b"],
    ["http://127.0.0.1:5000/v2/a", "http://127.0.0.1:9000/x"],
    ["http://10.0.0.1:5000/v2/a", "https://inside.example/x"],
    ["https://inside.example/v2/a", "https://store.example/x"],
    ["https://registry.example/v2/a", "https://not-known-here.example/x"],
  ];
  for (const [from, to] of may) {
    test(`from ${from} to ${to}`, async () => expect((await target(from, to)).href).toBe(new URL(to, from).href));
  }
});

describe("a registry may not lead", () => {
  const not: [string, string | null][] = [
    ["https://registry.example/v2/a", "https://127.0.0.1/x"],
    ["https://registry.example/v2/a", "https://evil.example/x"],
    ["https://registry.example/v2/a", "https://inside.example/x"],
    ["https://registry.example/v2/a", "https://[::ffff:10.0.0.1]/x"],
    ["https://registry.example/v2/a", "https://169.254.169.254/latest"],
    ["https://registry.example/v2/a", "http://store.example/x"],
    ["https://registry.example/v2/a", "file:///etc/passwd"],
    ["http://10.0.0.1:5000/v2/a", "http://127.0.0.1:2375/containers/json"],
    ["http://127.0.0.1:5000/v2/a", "http://169.254.169.254/latest"],
    ["https://registry.example/v2/a", null],
  ];
  for (const [from, to] of not) test(`from ${from} to ${to}`, () => expect(target(from, to)).rejects.toThrow());
});
