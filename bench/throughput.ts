// Bytes from one container to another over the bridge, and by a published port, against a bare veth pair: all by the same
// program (iperf3, left out where it is not installed), in turns of a second, so that a machine that slows down does so for all.
//
// The bridge twice: as on a host where nothing has loaded br_netfilter (a fresh Debian; hoy needs it for nothing), and with it
// in effect, as beside dockerd or Kubernetes. It is a setting of each network namespace, here of the engine's own. The goal is asked of the first.

import { NetworkNamespace } from "../src/linux/namespace.ts";
import { setBridgeFilter } from "../test/harness/bridge-filter.ts";
import { have } from "../test/harness/needs.ts";
import { median, type Row } from "./figures.ts";
import { IMAGE, must, type Subject } from "./subjects.ts";

const PORT = 20_100;
const LEAST_ROUNDS = 9;
const STREAM = ["-t", "1", "-f", "k", "--json"] as const;

/** A way for the bytes: the client's command line, and whether br_netfilter is in effect meanwhile. */
interface Way {
  readonly name: string;
  readonly argv: readonly string[];
  readonly filtered: boolean;
}

/** In interleaved rounds. Goals are of each round's ratio to what ran beside it, the median of those. */
export async function throughput([hoy]: readonly Subject[], rounds: number): Promise<readonly Row[]> {
  const [daemon] = hoy?.daemons() ?? [];
  if (hoy === undefined || daemon === undefined) return [];
  if (Bun.which("iperf3") === null) {
    console.error("throughput is left out: iperf3 is not here");
    return [];
  }
  using host = NetworkNamespace.open(`/proc/${daemon}/ns/net`);
  await using pair = await bareVeth();
  await using containers = await twoContainers(hoy);
  const servers = [pair.to, containers.to].map((at) =>
    Bun.spawn([...at, "iperf3", "-s"], { stdio: ["ignore", "ignore", "ignore"] }),
  );
  const over = [...containers.from, "iperf3", "-c", containers.address, ...STREAM];
  const published = [...within(`/proc/${daemon}/ns/net`), "iperf3", "-c", "127.0.0.1", "-p", String(PORT), ...STREAM];
  const bare: Way = {
    name: "bare veth pair",
    argv: [...pair.from, "iperf3", "-c", pair.address, ...STREAM],
    filtered: false,
  };
  const plain: Way = { name: "bridge, no br_netfilter (fresh Debian)", argv: over, filtered: false };
  const beside: Way = { name: "bridge, br_netfilter on (beside dockerd)", argv: over, filtered: true };
  const port: Way = { name: "published port, no br_netfilter", argv: published, filtered: false };
  const ways = [bare, plain, ...(have.bridgeFilter ? [beside] : []), port];
  try {
    await Bun.sleep(500);
    const rates = await inTurns(ways, Math.max(LEAST_ROUNDS, rounds), host);
    const row = (way: Way, more: Pick<Row, "goal" | "note"> = {}): Row => ({
      name: `iperf3, ${way.name}`,
      unit: "Gbit/s",
      less: false,
      values: { hoy: median(rates.get(way) ?? []) },
      ...more,
    });
    const share = (way: Way, of: Way) =>
      median((rates.get(way) ?? []).map((rate, round) => rate / (rates.get(of)?.[round] ?? Number.NaN)));
    const percent = (way: Way, of: Way) => `${(share(way, of) * 100).toFixed(1)} %`;
    const bridged = { text: `≥ 95 % of the bare pair (${percent(plain, bare)})`, met: share(plain, bare) >= 0.95 };
    const led = { text: `≥ 90 % of the bridge (${percent(port, plain)})`, met: share(port, plain) >= 0.9 };
    if (!have.bridgeFilter) console.error("the bridge with br_netfilter is left out: nothing has loaded it here");
    return [
      row(bare),
      row(plain, { goal: bridged }),
      ...(have.bridgeFilter ? [row(beside, { note: `${percent(beside, bare)} of the bare pair` })] : []),
      row(port, { goal: led }),
    ];
  } finally {
    for (const server of servers) server.kill();
  }
}

/** Gbit/s of each way, by round. The first round warms up, and is not counted. */
async function inTurns(
  ways: readonly Way[],
  rounds: number,
  host: NetworkNamespace,
): Promise<ReadonlyMap<Way, readonly number[]>> {
  const rates = new Map<Way, number[]>(ways.map((way) => [way, []]));
  for (let round = 0; round <= rounds; round++) {
    // Each begins a round in its turn: what runs beside the bench would else meet the same one again and again.
    const turn = round % ways.length;
    for (const way of [...ways.slice(turn), ...ways.slice(0, turn)]) {
      const undo = setBridgeFilter(host, way.filtered);
      try {
        const { end } = JSON.parse(await must(way.argv)) as { end: { sum_received: { bits_per_second: number } } };
        if (round > 0) rates.get(way)?.push(end.sum_received.bits_per_second / 1e9);
      } finally {
        undo();
      }
    }
  }
  return rates;
}

/** Where a client and a server run: what goes before a command line. */
interface Ends extends AsyncDisposable {
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** The server's. */
  readonly address: string;
}

async function bareVeth(): Promise<Ends> {
  const spaces = [NetworkNamespace.create(), NetworkNamespace.create()] as const;
  const [left, right] = [`/proc/${process.pid}/fd/${spaces[0].fd}`, `/proc/${process.pid}/fd/${spaces[1].fd}`];
  const dispose = async () => {
    for (const space of spaces) space[Symbol.dispose]();
  };
  try {
    const add = ["ip", "link", "add", "name", "bench0", "type", "veth", "peer", "name", "bench1", "netns", right];
    await must([...within(left), ...add]);
    for (const [net, device, address] of [
      [left, "bench0", "10.250.0.1/24"],
      [right, "bench1", "10.250.0.2/24"],
    ] as const) {
      await must([...within(net), "ip", "addr", "add", address, "dev", device]);
      await must([...within(net), "ip", "link", "set", device, "up"]);
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return { from: within(left), to: within(right), address: "10.250.0.2", [Symbol.asyncDispose]: dispose };
}

/** On the default bridge; the second's iperf3 has a published port. */
async function twoContainers({ cli }: Subject): Promise<Ends> {
  const ids = ["hoy-bench-from", "hoy-bench-to"] as const;
  const dispose = async () => void (await must([...cli, "rm", "-f", ...ids]));
  try {
    await must([...cli, "run", "-d", "--name", ids[0], IMAGE, "sleep", "3600"]);
    await must([...cli, "run", "-d", "--name", ids[1], "-p", `${PORT}:5201`, IMAGE, "sleep", "3600"]);
    const look = async (id: string, format: string) => (await must([...cli, "inspect", "-f", format, id])).trim();
    const inside = async (id: string) => within(`/proc/${await look(id, "{{.State.Pid}}")}/ns/net`);
    const address = await look(ids[1], "{{.NetworkSettings.IPAddress}}");
    return { from: await inside(ids[0]), to: await inside(ids[1]), address, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function within(net: string): string[] {
  return ["nsenter", `--net=${net}`, "--"];
}
