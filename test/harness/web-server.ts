// A web server in a container of busybox, and how it is asked from elsewhere.

import { eventually, ok, unique } from "./clients.ts";
import type { TestDaemon } from "./daemon.ts";

export const SAYS_HELLO = "mkdir -p /www; echo hello > /www/index.html; httpd -f -p 80 -h /www";

/** Starts one, and waits until it answers. @param script makes its pages, and becomes the server @returns the container's name */
export async function webServer({ hoy }: TestDaemon, flags: readonly string[], script = SAYS_HELLO): Promise<string> {
  const name = unique("web");
  await ok(hoy("run", "-d", "--name", name, ...flags, "busybox", "sh", "-c", script));
  await eventually(
    async () => (await hoy("exec", name, "wget", "-qO-", "http://127.0.0.1")).code === 0,
    "the server answers",
  );
  return name;
}

/** A command line that prints the page, or fails. */
export function curl(url: string, seconds = 3): readonly string[] {
  return ["curl", "--silent", "--show-error", "--fail", "--max-time", String(seconds), url];
}
