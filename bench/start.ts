// The daemon's start when there is much to take up: 500 containers that do not run, 50 that do (on the default bridge, ten
// of them with a published port), and 500 volumes. Until the API answers with all of them.

import { median, type Row } from "./figures.ts";
import { IMAGE, type Subject } from "./subjects.ts";

const STOPPED = 500;
const RUNNING = 50;
const PUBLISHED = 10;
const VOLUMES = 500;
const FIRST_PORT = 23_000;

export async function daemonStart([hoy]: readonly Subject[], rounds: number): Promise<readonly Row[]> {
  if (hoy?.restart === undefined) return [];
  const { restart } = hoy;
  const measured = async () => {
    const times: number[] = [];
    for (let round = 0; round < Math.max(3, rounds >> 1); round++) {
      const start = await restart();
      await ask(hoy, "GET", "/containers/json?all=1");
      times.push(performance.now() - start);
    }
    return median(times);
  };
  const row = (name: string, hoy: number, goal?: Row["goal"]): Row => ({
    name: `daemon's start, ${name}`,
    unit: "ms",
    less: true,
    values: { hoy },
    ...(goal === undefined ? {} : { goal }),
  });
  const rows = [row("nothing there", await measured())];
  const ids: string[] = [];
  try {
    const create = async (index: number, host: object) => {
      const Labels = { "hoy.bench": "start", index: String(index) };
      const { Id } = await ask<{ Id: string }>(hoy, "POST", "/containers/create", {
        Image: IMAGE,
        Cmd: ["sleep", "3600"],
        Labels,
        HostConfig: host,
      });
      ids.push(Id);
      return Id;
    };
    for (let index = 0; index < STOPPED; index++) await create(index, {});
    for (let index = 0; index < RUNNING; index++) {
      const HostPort = String(FIRST_PORT + index);
      const published = index < PUBLISHED ? { PortBindings: { "80/tcp": [{ HostPort }] } } : {};
      const id = await create(STOPPED + index, published);
      await ask(hoy, "POST", `/containers/${id}/start`);
    }
    const time = await measured();
    rows.push(row(`${STOPPED} stopped and ${RUNNING} running`, time, { text: "< 1 s", met: time < 1000 }));
    for (let index = 0; index < VOLUMES; index++)
      await ask(hoy, "POST", "/volumes/create", { Name: `hoy-bench-${index}` });
    rows.push(row(`and ${VOLUMES} volumes`, await measured()));
  } finally {
    for (const id of ids) await ask(hoy, "DELETE", `/containers/${id}?force=1`);
    await ask(hoy, "POST", "/volumes/prune?filters=%7B%22all%22%3A%5B%22true%22%5D%7D");
  }
  return rows;
}

/** @throws when the engine answers with an error. */
async function ask<T>({ socket = "" }: Subject, method: string, path: string, body?: object): Promise<T> {
  const json = { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const options = { method, unix: socket, ...(body === undefined ? {} : json) };
  const response = await fetch(`http://engine${path}`, options as RequestInit);
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}
