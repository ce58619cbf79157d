// For tests: docker's own client, where it is installed, with nothing of this machine's configuration.

import { spawn, spawnSync } from "node:child_process";
import type { Outcome } from "./memory-io.ts";

/** Its version, e.g. "28.2.2"; undefined when there is no docker client here. */
export const dockerVersion: string | undefined = (() => {
  const { stdout } = spawnSync("docker", ["--version"], { encoding: "utf8" });
  // Our own executable may be linked under this name.
  return /^Docker version ([\d.]+), build [0-9a-f]+/.exec(stdout ?? "")?.[1];
})();

export function docker(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  options: { readonly stdin?: string; readonly cwd?: string } = {},
): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const child = spawn("docker", argv, { env: { PATH: process.env.PATH, ...env }, cwd: options.cwd ?? "/" });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => {
    stdout += String(data);
  });
  child.stderr.on("data", (data) => {
    stderr += String(data);
  });
  child.stdin.end(options.stdin ?? "");
  child.on("error", reject);
  child.on("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
  return promise;
}
