// Starts the shim's process and reads its one line: STARTED or FAILED.

import { type ChildProcess, spawn } from "node:child_process";
import { HoyError } from "../../base/error.ts";
import { runtimeFailure } from "./failures.ts";

const LINE_LIMIT = 64 * 1024;
const START_MS = 120_000;

/** The shim's environment is the runtime's and its hooks': nothing of the daemon's own may leak into it. */
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

/**
 * Runs the shim until its container has started; gives its pid.
 * @throws HoyError as ContainerRuntime.start; the shim has ended (or is killed) then.
 */
export async function launchShim(shim: string, job: string): Promise<number> {
  const child = spawn(shim, [job], {
    cwd: "/",
    env: ENVIRONMENT,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const line = await firstLine(child);
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
  if (line.startsWith("STARTED ")) return child.pid ?? 0;
  const failed = /^FAILED (\d+) (.*)$/s.exec(line);
  if (failed?.[2] !== undefined) throw runtimeFailure("create", failed[2]);
  throw new HoyError("internal", `the shim did not start: ${line === "" ? "it said nothing" : line}`);
}

/** Standard output's line; without one, what was said on standard error. */
function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = "";
    let err = "";
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new HoyError("internal", "the container did not start within two minutes"));
    }, START_MS);
    const settle = (text: string): void => {
      clearTimeout(timer);
      resolve(text);
    };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      const end = out.indexOf("\n");
      if (end >= 0 || out.length > LINE_LIMIT) settle(out.slice(0, end < 0 ? LINE_LIMIT : end));
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (err.length < LINE_LIMIT) err += text;
    });
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new HoyError("internal", `the shim can't be run: ${error.message}`, { cause: error }));
    });
    child.on("close", () => settle(out === "" ? err.trim() : out.trim()));
  });
}
