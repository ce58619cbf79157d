// The name server inside a namespace of the test's own, asked by a real resolver's packets; the "outside" resolver is
// the test's, on loopback.

import { afterAll, beforeAll, expect, test } from "bun:test";
import dgram from "node:dgram";
import packet from "dns-packet";
import { NetworkNamespace } from "../../linux/namespace.ts";
import { Netlink } from "../../linux/netlink.ts";
import { setUp } from "../link.ts";
import { answerFromZone, fitUdp, readQuery } from "./answer.ts";
import { framed } from "./forward.ts";
import { DnsServer } from "./server.ts";
import { type NamedEndpoint, Zone } from "./zone.ts";

const zone = new Zone();
const server = new DnsServer(zone);
const namespace = NetworkNamespace.create();
const upstream = dgram.createSocket("udp4");
const asked: string[] = [];

function endpoint(container: string, network: string, names: string[], ipv4: string, ipv6?: string): NamedEndpoint {
  return { container, networkId: `id-${network}`, networkName: network, names, ipv4, ipv6 };
}

beforeAll(async () => {
  using socket = namespace.run(() => new Netlink());
  setUp(socket, 1);
  upstream.on("message", (data, from) => {
    const query = packet.decode(data);
    const name = query.questions?.[0]?.name ?? "";
    asked.push(name);
    if (name.startsWith("silent")) return;
    const wrong = packet.encode({
      type: "response",
      id: ((query.id ?? 0) + 1) & 0xffff,
      questions: query.questions ?? [],
    });
    upstream.send(wrong, from.port, from.address);
    const answers = [{ type: "A" as const, name, ttl: 60, data: "192.0.2.7" }];
    upstream.send(
      packet.encode({ type: "response", id: query.id ?? 0, questions: query.questions ?? [], answers }),
      from.port,
      from.address,
    );
  });
  await new Promise<void>((done) => upstream.bind(0, "127.0.0.1", () => done()));
  zone.set("web", [endpoint("web", "front", ["web", "www", "0123456789ab"], "10.5.0.2", "fd00::2")]);
  zone.set("web2", [endpoint("web2", "front", ["web2", "www"], "10.5.0.3")]);
  zone.set("db", [endpoint("db", "back", ["db"], "10.6.0.2")]);
  zone.set("app", [endpoint("app", "front", ["app"], "10.5.0.4"), endpoint("app", "back", ["app"], "10.6.0.3")]);
  await server.open({ container: "web", resolvers: [`127.0.0.1:${upstream.address().port}`] }, namespace);
});

afterAll(() => {
  server.close("web");
  namespace[Symbol.dispose]();
  upstream.close();
});

function ask(name: string, type: "A" | "AAAA" | "PTR" | "MX"): Promise<packet.DecodedPacket> {
  const query = packet.encode({
    type: "query",
    id: 4711,
    flags: packet.RECURSION_DESIRED,
    questions: [{ type, name }],
  });
  return new Promise((resolve) => {
    const pending = namespace.run(() => [
      Bun.udpSocket({
        hostname: "127.0.0.1",
        socket: {
          data: (socket, data) => {
            socket.close();
            resolve(packet.decode(data));
          },
        },
      }),
    ]);
    void pending[0]?.then((socket) => socket.send(query, 53, "127.0.0.11"));
  });
}

/** dns-packet decodes it, its types leave it out. */
const codeOf = (answer: packet.DecodedPacket) => ("rcode" in answer ? answer.rcode : undefined);
const data = (answer: packet.DecodedPacket) =>
  (answer.answers ?? []).map((one) => ("data" in one ? String(one.data) : ""));

test("names, aliases and short ids of the asker's networks, any case; with the network's name too", async () => {
  expect(data(await ask("web2", "A"))).toEqual(["10.5.0.3"]);
  expect(data(await ask("WEB.front", "A"))).toEqual(["10.5.0.2"]);
  expect(data(await ask("0123456789ab", "AAAA"))).toEqual(["fd00::2"]);
  expect(data(await ask("www", "A")).toSorted()).toEqual(["10.5.0.2", "10.5.0.3"]);
  expect((await ask("web2", "A")).id).toBe(4711);
});

test("a known name without the type: no error, no answer, and nobody else is asked", async () => {
  const before = asked.length;
  const answer = await ask("web2", "AAAA");
  expect(codeOf(answer)).toBe("NOERROR");
  expect(data(answer)).toEqual([]);
  expect(codeOf(await ask("web2", "MX"))).toBe("NOERROR");
  expect(asked.length).toBe(before);
});

test("reverse", async () => {
  expect(data(await ask("3.0.5.10.in-addr.arpa", "PTR"))).toEqual(["web2.front"]);
  expect(data(await ask(`2.${"0.".repeat(27)}0.0.d.f.ip6.arpa`, "PTR"))).toEqual(["web.front"]);
});

test("names of other networks and of the world go to the resolver; an answer with a wrong id is not believed", async () => {
  expect(data(await ask("db", "A"))).toEqual(["192.0.2.7"]);
  expect(asked).toContain("db");
  expect(data(await ask("example.com", "A"))).toEqual(["192.0.2.7"]);
});

test("the asker on an internal network gets SERVFAIL for what is not ours", async () => {
  using other = NetworkNamespace.create();
  using socket = other.run(() => new Netlink());
  setUp(socket, 1);
  await server.open({ container: "db", resolvers: [] }, other);
  const query = readQuery(packet.encode({ type: "query", id: 1, questions: [{ type: "A", name: "example.com" }] }));
  expect(query === undefined ? "" : answerFromZone(zone, "db", query)).toBeUndefined();
  server.close("db");
});

test("what is not one question is not answered at all", () => {
  expect(readQuery(Buffer.from("rubbish"))).toBeUndefined();
  expect(readQuery(packet.encode({ type: "response", id: 1, questions: [{ type: "A", name: "x" }] }))).toBeUndefined();
  const two = packet.encode({
    type: "query",
    id: 1,
    questions: [
      { type: "A", name: "x" },
      { type: "A", name: "y" },
    ],
  });
  expect(readQuery(two)).toBeUndefined();
});

test("too long for UDP: truncated, so that the asker comes by TCP", () => {
  const many = new Zone();
  for (let index = 0; index < 100; index++)
    many.set(`c${index}`, [endpoint(`c${index}`, "front", ["all"], `10.5.1.${index}`)]);
  const query = readQuery(packet.encode({ type: "query", id: 9, questions: [{ type: "A", name: "all" }] }));
  if (query === undefined) throw new Error("no query");
  const answer = answerFromZone(many, "c0", query);
  if (answer === undefined) throw new Error("no answer");
  expect(packet.decode(Buffer.from(answer)).answers).toHaveLength(100);
  const short = packet.decode(Buffer.from(fitUdp(query, answer)));
  expect(short.flag_tc).toBe(true);
  expect(short.answers).toHaveLength(0);
});

test("by TCP, long; and no packet of it all is known to connection tracking", async () => {
  for (let index = 0; index < 100; index++)
    zone.set(`many${index}`, [endpoint(`many${index}`, "front", ["many"], `10.5.1.${index}`)]);
  const query = packet.encode({ type: "query", id: 9, questions: [{ type: "A", name: "many" }] });
  const within = ["nsenter", `--net=/proc/${process.pid}/fd/${namespace.fd}`, "--"];
  const script = `busybox nc -w 5 127.0.0.11 53; cat /proc/sys/net/netfilter/nf_conntrack_count >&2 || true`;
  const asker = Bun.spawn([...within, "sh", "-c", script], { stdin: framed(query), stdout: "pipe", stderr: "pipe" });
  const [answer, count] = await Promise.all([new Response(asker.stdout).bytes(), new Response(asker.stderr).text()]);
  for (let index = 0; index < 100; index++) zone.delete(`many${index}`);
  expect(packet.decode(Buffer.from(answer.subarray(2))).answers).toHaveLength(100);
  expect(count.trim()).toMatch(/^0$|No such file/);
});

test("a link is a name that only the asker knows, and the other may come and go", () => {
  const names = new Zone();
  const links = [{ target: "upstream", alias: "Bar" }];
  names.set("one", [{ ...endpoint("one", "front", ["one"], "10.5.0.2"), links }]);
  names.set("two", [endpoint("two", "front", ["two"], "10.5.0.3")]);
  expect(names.addresses("one", "bar", 4)).toBeUndefined();
  names.set("three", [endpoint("three", "front", ["upstream"], "10.5.0.4")]);
  expect(names.addresses("one", "bar", 4)).toEqual(["10.5.0.4"]);
  expect(names.addresses("one", "bar.front", 4)).toEqual(["10.5.0.4"]);
  expect(names.addresses("two", "bar", 4)).toBeUndefined();
  names.set("three", [endpoint("three", "back", ["upstream"], "10.6.0.4")]);
  expect(names.addresses("one", "bar", 4)).toBeUndefined();
});
