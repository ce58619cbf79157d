// `hoy registry serve` in the network of a daemon of a test, without users: whoever comes may read and write.

import { expect } from "bun:test";
import { join, resolve } from "node:path";
import { command, start } from "./command.ts";
import type { TestDaemon } from "./daemon.ts";

const HOY = resolve(import.meta.dir, "../../dist/hoy");

export interface TestRegistry {
  /** HOST:PORT */
  readonly address: string;
  /** A document under `/v2/`, asked for from where the daemon is. */
  get(path: string, accept?: string): Promise<Record<string, unknown>>;
}

/** Ends before the daemon. */
export async function testRegistry(daemon: TestDaemon): Promise<TestRegistry> {
  const root = join(daemon.root, "registry");
  const started = start([...daemon.inside, HOY, "registry", "serve", "--listen", "127.0.0.1:0", "--root", root]);
  const address = /http:\/\/(\S+?),/.exec(await started.until(/registry on .*\n/))?.[1] ?? "";
  daemon.beforeClose.push(async () => {
    started.kill("SIGTERM");
    expect(await started.exited).toBe(0);
  });
  return {
    address,
    async get(path, accept = "*/*") {
      const url = `http://${address}/v2/${path}`;
      const argv = [process.execPath, "-e", GET, url, accept];
      const { code, stdout, stderr } = await command([...daemon.inside, ...argv]);
      if (code !== 0) throw new Error(`${url}: ${stderr}`);
      return JSON.parse(stdout) as Record<string, unknown>;
    },
  };
}

/** Run where the registry is: its network is not the test's. */
const GET = `
const [, url, accept] = process.argv;
const response = await fetch(url, { headers: { accept } });
const text = await response.text();
if (!response.ok) throw new Error(response.status + " " + text);
console.log(text);
`;
