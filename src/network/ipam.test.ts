import { expect, test } from "bun:test";
import fc from "fast-check";
import { contains, formatAddress, formatPrefix, overlaps, parseAddress, parseCidr, parsePrefix } from "./address.ts";
import { checkPool, chooseAddress, chooseSubnet, DEFAULT_POOLS } from "./ipam.ts";

test("addresses survive text and back, both families", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const address = parseAddress(text);
      expect(parseAddress(formatAddress(address))).toEqual(address);
    }),
  );
});

test.each(["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4/8", "fe80::1%eth0", "::g", " 1.2.3.4"])(
  "not an address: %p",
  (text) => {
    expect(() => parseAddress(text)).toThrow("invalid IP address");
  },
);

test.each(["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "fd00::/129", "10.0.0.0/8/8"])(
  "not a CIDR: %p",
  (text) => {
    expect(() => parseCidr(text)).toThrow(/invalid/);
  },
);

test("a subnet must name the network itself", () => {
  expect(formatPrefix(parsePrefix("10.1.0.0/16"))).toBe("10.1.0.0/16");
  expect(() => parsePrefix("10.1.2.3/16")).toThrow("invalid subnet 10.1.2.3/16: it should be 10.1.0.0/16");
});

test("overlap is symmetric and means that one contains the other", () => {
  const prefix = fc
    .tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }))
    .map(([ip, length]) => parseCidr(`${ip}/${length}`).prefix);
  fc.assert(
    fc.property(prefix, prefix, (a, b) => {
      expect(overlaps(a, b)).toBe(overlaps(b, a));
      expect(overlaps(a, b)).toBe(contains(a, b) || contains(b, a));
    }),
  );
});

test("the first subnet that nothing has, by Docker's pools", () => {
  expect(formatPrefix(chooseSubnet(DEFAULT_POOLS, []))).toBe("172.17.0.0/16");
  const taken = [parsePrefix("172.16.0.0/12")];
  expect(formatPrefix(chooseSubnet(DEFAULT_POOLS, taken))).toBe("192.168.0.0/20");
  expect(formatPrefix(chooseSubnet(DEFAULT_POOLS, [...taken, parsePrefix("192.168.5.0/24")]))).toBe("192.168.16.0/20");
  expect(() => chooseSubnet(DEFAULT_POOLS, [...taken, parsePrefix("192.168.0.0/16")])).toThrow(
    "all predefined address pools have been fully subnetted",
  );
});

test("addresses: never the network's, the gateway's, the broadcast, or one that is taken", () => {
  const pool = checkPool({ Subnet: "10.0.0.0/29" });
  expect(formatAddress(pool.gateway)).toBe("10.0.0.1");
  const taken = new Set<string>();
  for (let index = 0; index < 5; index++) taken.add(formatAddress(chooseAddress(pool, taken, undefined)));
  expect([...taken]).toEqual(["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
  expect(() => chooseAddress(pool, taken, undefined)).toThrow("no available IPv4 addresses");
  expect(() => chooseAddress(pool, taken, "10.0.0.3")).toThrow("Address already in use");
  expect(() => chooseAddress(pool, taken, "10.0.0.1")).toThrow("Address already in use");
  expect(() => chooseAddress(pool, taken, "10.0.1.3")).toThrow("not in subnet");
});

test("ip-range, gateway and auxiliary addresses are kept", () => {
  const pool = checkPool({
    Subnet: "10.0.0.0/24",
    IPRange: "10.0.0.128/25",
    Gateway: "10.0.0.254",
    AuxiliaryAddresses: { router: "10.0.0.128" },
  });
  expect(formatAddress(chooseAddress(pool, new Set(), undefined))).toBe("10.0.0.129");
  expect(formatAddress(chooseAddress(pool, new Set(), "10.0.0.5"))).toBe("10.0.0.5");
});

test.each([
  [{ Subnet: "10.0.0.0/24", IPRange: "10.0.1.0/25" }, "ip-range"],
  [{ Subnet: "10.0.0.0/24", IPRange: "10.0.0.0/16" }, "ip-range"],
  [{ Subnet: "10.0.0.0/24", Gateway: "10.0.1.1" }, "gateway"],
  [{ Subnet: "10.0.0.0/24", AuxiliaryAddresses: { a: "10.9.9.9" } }, "auxiliary"],
  [{}, "needs a subnet"],
])("a pool that can't be: %p", (config, words) => {
  expect(() => checkPool(config)).toThrow(words);
});
