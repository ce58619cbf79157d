// Networks: a container with a published port, a range of a thousand, and names among many. Bytes are in throughput.ts.

import { NetworkNamespace } from "../src/linux/namespace.ts";
import { median, type Row } from "./figures.ts";
import { IMAGE, must, type Subject } from "./subjects.ts";

const PORT = 20_100;
const MANY = 200;

/** `run --rm -p` on the default bridge, in interleaved rounds. */
export async function publishedRun(all: readonly Subject[], rounds: number): Promise<readonly Row[]> {
  const times = new Map<string, number[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const { name, cli, runFlags } of all) {
      const start = performance.now();
      await must([...cli, "run", ...runFlags, "--rm", "-p", `${PORT}:80`, IMAGE, "true"]);
      if (round > 0) times.get(name)?.push(performance.now() - start);
    }
  }
  const values: Record<string, number> = Object.fromEntries([...times].map(([name, each]) => [name, median(each)]));
  const met = values.hoy === undefined || values.dockerd === undefined ? undefined : values.hoy <= values.dockerd / 6;
  return [{ name: "run --rm -p on a bridge", unit: "ms", less: true, values, goal: { text: "≤ 1/6 of dockerd", met } }];
}

/** A thousand ports of one container: its whole start. Only hoy: others start a process for each. */
export async function thousandPorts([hoy]: readonly Subject[]): Promise<readonly Row[]> {
  if (hoy === undefined) return [];
  const times: number[] = [];
  for (let round = 0; round < 3; round++) {
    const start = performance.now();
    await must([...hoy.cli, "run", "--rm", "-p", "21000-21999:1000-1999", IMAGE, "true"]);
    times.push(performance.now() - start);
  }
  const values = { hoy: median(times) };
  return [
    {
      name: "run --rm with 1,000 ports",
      unit: "ms",
      less: true,
      values,
      goal: { text: "< 1 s", met: values.hoy < 1000 },
    },
  ];
}

/** Look-ups on a network of 200 containers, by a program in one of them that asks one after the other. */
export async function names([hoy]: readonly Subject[]): Promise<readonly Row[]> {
  if (hoy === undefined) return [];
  const network = "hoy-bench-names";
  const ids = Array.from({ length: MANY }, (_, index) => `hoy-bench-n${index}`);
  await must([...hoy.cli, "network", "create", network]);
  try {
    for (const id of ids)
      await must([...hoy.cli, "run", "-d", "--name", id, "--network", network, IMAGE, "sleep", "3600"]);
    const pid = Number(await must([...hoy.cli, "inspect", "-f", "{{.State.Pid}}", ids[0] ?? ""]));
    const times = await lookups(pid, ids);
    const values = { hoy: median(times) };
    const goal = { text: "< 1 ms", met: values.hoy < 1 };
    return [{ name: `look-up among ${MANY} containers`, unit: "ms", less: true, values, goal }];
  } finally {
    await must([...hoy.cli, "rm", "-f", ...ids]);
    await must([...hoy.cli, "network", "rm", network]);
  }
}

/** Milliseconds of each, over UDP from within the container's network namespace. */
async function lookups(pid: number, ids: readonly string[]): Promise<number[]> {
  using namespace = NetworkNamespace.open(`/proc/${pid}/ns/net`);
  let answered: (() => void) | undefined;
  const [opening] = namespace.run(
    () => [Bun.udpSocket({ hostname: "0.0.0.0", socket: { data: () => answered?.() } })] as const,
  );
  const socket = await opening;
  const times: number[] = [];
  for (const id of [...ids, ...ids]) {
    const answer = new Promise<void>((resolve) => {
      answered = resolve;
    });
    const start = performance.now();
    socket.send(question(id), 53, "127.0.0.11");
    await answer;
    times.push(performance.now() - start);
  }
  socket.close();
  return times;
}

/** A question for the A record of a name of one label. */
function question(name: string): Uint8Array {
  const label = new TextEncoder().encode(name);
  return Uint8Array.of(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, label.length, ...label, 0, 0, 1, 0, 1);
}
