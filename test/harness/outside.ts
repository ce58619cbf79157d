// A machine outside: a network namespace linked to the daemon's "host" by a veth pair, 198.51.100.1 and .2 (TEST-NET-2),
// 2001:db8:51::1 and ::2. It plays the world: published ports are reached from it, masquerading is seen by it.

import { NetworkNamespace } from "../../src/linux/namespace.ts";
import { command, type Result, type Running, start } from "./command.ts";
import type { TestDaemon } from "./daemon.ts";

export const HOST = { v4: "198.51.100.1", v6: "2001:db8:51::1" };
export const OUTSIDE = { v4: "198.51.100.2", v6: "2001:db8:51::2" };

export class Outside {
  readonly #inside: readonly string[];
  readonly #namespace = NetworkNamespace.create();

  private constructor(daemon: TestDaemon) {
    this.#inside = daemon.inside;
  }

  static async link(daemon: TestDaemon): Promise<Outside> {
    const outside = new Outside(daemon);
    const there = `/proc/${process.pid}/fd/${outside.#namespace.fd}`;
    const host = (...argv: string[]) => must(outside.host("ip", ...argv));
    const world = (...argv: string[]) => must(outside.run("ip", ...argv));
    await host("link", "add", "world0", "type", "veth", "peer", "name", "eth0", "netns", there);
    await host("addr", "add", `${HOST.v4}/24`, "dev", "world0");
    await host("-6", "addr", "add", `${HOST.v6}/64`, "dev", "world0", "nodad");
    await host("link", "set", "world0", "up");
    await world("link", "set", "lo", "up");
    await world("addr", "add", `${OUTSIDE.v4}/24`, "dev", "eth0");
    await world("-6", "addr", "add", `${OUTSIDE.v6}/64`, "dev", "eth0", "nodad");
    await world("link", "set", "eth0", "up");
    await host("route", "add", "default", "via", OUTSIDE.v4);
    daemon.beforeClose.push(async () => {
      await host("link", "delete", "world0");
      outside.#namespace[Symbol.dispose]();
    });
    return outside;
  }

  /** Runs a program in the world. */
  run(...argv: string[]): Promise<Result> {
    return command([...this.enter, ...argv]);
  }

  start(...argv: string[]): Running {
    return start([...this.enter, ...argv]);
  }

  /** Makes a socket in the world: synchronous work only. */
  inside<T>(work: () => Promise<T>): Promise<T> {
    return this.#namespace.run(() => [work()] as const)[0];
  }

  /** Runs a program where the daemon runs. */
  host(...argv: string[]): Promise<Result> {
    return command([...this.#inside, ...argv]);
  }

  hostStart(...argv: string[]): Running {
    return start([...this.#inside, ...argv]);
  }

  /** Goes before a command line to run it in the world. */
  get enter(): readonly string[] {
    return ["nsenter", `--net=/proc/${process.pid}/fd/${this.#namespace.fd}`, "--"];
  }
}

async function must(running: Promise<Result>): Promise<void> {
  const { code, stderr } = await running;
  if (code !== 0) throw new Error(`ip: ${stderr}`);
}
