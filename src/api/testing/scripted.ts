// An engine of tests that answers as a script says, byte for byte: older ones, broken ones, hostile ones.

import { mkdtempSync, rmSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiClient } from "../client/client.ts";
import { parseEndpoint } from "../client/endpoint.ts";

/** Each request's head goes in, bytes come out. */
export async function scripted(answer: (head: string, socket: net.Socket, nth: number) => void) {
  const folder = mkdtempSync(join(tmpdir(), "hoy-client-"));
  const path = join(folder, "s");
  const heads: string[] = [];
  let connections = 0;
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    connections += 1;
    socket.on("error", () => socket.destroy());
    let got = "";
    socket.on("data", (data) => {
      got += data.toString("latin1");
      for (let end = got.indexOf("\r\n\r\n"); end >= 0; end = got.indexOf("\r\n\r\n")) {
        const head = got.slice(0, end);
        got = got.slice(end + 4);
        heads.push(head);
        answer(head, socket, heads.length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const client = (version?: string) =>
    new ApiClient(parseEndpoint(`unix://${path}`), version === undefined ? {} : { version });
  return {
    client,
    heads,
    get connections() {
      return connections;
    },
    [Symbol.dispose]() {
      server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A whole answer. */
export const json = (value: unknown, status = "200 OK", more = "") => {
  const body = JSON.stringify(value);
  return `HTTP/1.1 ${status}\r\n${more}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};
