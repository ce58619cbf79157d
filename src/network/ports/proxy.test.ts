// The listener on a host's port, in front of servers of the test's own on loopback.

import { afterAll, expect, test } from "bun:test";
import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { eventually } from "../../../test/harness/clients.ts";
import { listenTcp, listenUdp } from "./proxy.ts";

const echo = net.createServer((socket) => socket.pipe(socket));
echo.listen(0, "127.0.0.1");
await once(echo, "listening");
const answering = dgram.createSocket("udp4");
answering.on("message", (data, from) => answering.send(`${data}!`, from.port, from.address));
await new Promise<void>((done) => answering.bind(0, "127.0.0.1", done));
afterAll(() => {
  echo.close();
  answering.close();
});

function portOf(server: net.Server): number {
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}

/** What comes back for "hi": it, or nothing from a connection that was closed. */
async function ask(port: number): Promise<{ answer: string; socket: net.Socket }> {
  const socket = net.connect({ host: "127.0.0.1", port });
  socket.on("error", () => undefined);
  socket.write("hi");
  const answer = await Promise.race([
    once(socket, "data").then(([data]) => String(data)),
    once(socket, "close").then(() => ""),
  ]);
  return { answer, socket };
}

test("TCP: no more than so many at a time, and as many again when they end", async () => {
  const listener = await listenTcp("127.0.0.1", 0, () => ({ address: "127.0.0.1", port: portOf(echo) }), 2);
  try {
    const [one, two] = [await ask(listener.port), await ask(listener.port)];
    expect([one.answer, two.answer]).toEqual(["hi", "hi"]);
    expect((await ask(listener.port)).answer).toBe("");
    one.socket.destroy();
    const three = await eventually(async () => {
      const tried = await ask(listener.port);
      return tried.answer === "hi" ? tried : undefined;
    }, "there is room again");
    for (const { socket } of [two, three]) socket.destroy();
  } finally {
    listener.close();
  }
});

test("UDP: each client has its own answers", async () => {
  const listener = await listenUdp("127.0.0.1", 0, () => ({ address: "127.0.0.1", port: answering.address().port }));
  const clients = [dgram.createSocket("udp4"), dgram.createSocket("udp4")];
  try {
    const answers = clients.map((client, index) => {
      const answer = once(client, "message").then(([data]) => String(data));
      client.send(`from ${index}`, listener.port, "127.0.0.1");
      return answer;
    });
    expect(await Promise.all(answers)).toEqual(["from 0!", "from 1!"]);
  } finally {
    for (const client of clients) client.close();
    listener.close();
  }
});
