import { describe, expect, test } from "bun:test";
import { comparePorts } from "./compare.ts";
import type { PublishedPort } from "./host-ports.ts";
import type { PortWish } from "./request.ts";

const port = (hostPort: number, containerPort: number, hostIp = "0.0.0.0"): PublishedPort => ({
  protocol: "tcp",
  hostIp,
  hostPort,
  containerPort,
});
const wish = (containerPort: number, first: number, last = first, hostIp = ""): PortWish => ({
  protocol: "tcp",
  containerPort,
  hostIp,
  first,
  last,
});

describe("ports that change", () => {
  const both = [port(8080, 80), port(8080, 80, "::")];

  test("what fits stays, in both families", () => {
    expect(comparePorts(both, [wish(80, 8080)])).toEqual({ kept: both, gone: [], missing: [] });
  });

  test("what nobody wants goes, what is not there is missing", () => {
    expect(comparePorts(both, [wish(81, 8081)])).toEqual({ kept: [], gone: both, missing: [wish(81, 8081)] });
    expect(comparePorts(both, [wish(80, 8080, 8080, "127.0.0.1")]).gone).toEqual(both);
  });

  test("a wish for any port takes what one for a number leaves", () => {
    const ports = [port(8080, 80), port(49153, 80)];
    expect(comparePorts(ports, [wish(80, 0), wish(80, 8080)])).toMatchObject({ gone: [], missing: [] });
    expect(comparePorts([port(8080, 80)], [wish(80, 0), wish(80, 8080)]).missing).toEqual([wish(80, 0)]);
  });
});
