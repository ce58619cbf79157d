import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { send } from "./http.ts";
import { ENDPOINT } from "./testing.ts";

/** A port at which nobody listens any more. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

test("where nobody listens is not asked again and again", async () => {
  const url = `http://127.0.0.1:${await freePort()}/v2/`;
  const request = { method: "GET", url, signal: new AbortController().signal } as const;
  // With its growing waits the fortieth would be hours away.
  await expect(send(ENDPOINT, request, { userAgent: "test", attempts: 40 })).rejects.toThrow("ECONNREFUSED");
}, 30_000);
