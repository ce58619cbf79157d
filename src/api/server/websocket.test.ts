import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { EchoProcess } from "../testing/fake.ts";
import { startHarness } from "../testing/harness.ts";
import { acceptKey, encodeFrame, FrameDecoder, OPCODE } from "./websocket.ts";

/** A client's frame: masked. */
function masked(opcode: number, data: Uint8Array): Uint8Array {
  const plain = encodeFrame(opcode as 1, data);
  const head = plain.length - data.length;
  const mask = [1, 2, 3, 4];
  const frame = Buffer.concat([
    plain.subarray(0, head),
    Buffer.from(mask),
    data.map((byte, i) => byte ^ (mask[i & 3] ?? 0)),
  ]);
  frame[1] = (frame[1] ?? 0) | 0x80;
  return frame;
}

describe("frames", () => {
  test("the key of RFC 6455's own example", () => {
    expect(acceptKey("dGhlIHNhbXBsZSBub25jZQ==")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect(() => acceptKey("short")).toThrow("Sec-WebSocket-Key");
  });

  test("frames of all sizes come out, however they are cut", () => {
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 125, 126, 65535, 65536), fc.integer({ min: 1, max: 70000 }), (size, cut) => {
        const data = new Uint8Array(size).fill(7);
        const bytes = masked(OPCODE.binary, data);
        const decoder = new FrameDecoder();
        const got = [...decoder.push(bytes.subarray(0, cut)), ...decoder.push(bytes.subarray(cut))];
        expect(got).toHaveLength(1);
        expect(got[0]?.opcode).toBe(OPCODE.binary);
        expect(Buffer.compare(Buffer.from(got[0]?.data ?? []), Buffer.from(data))).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  test("unmasked frames, extensions and giants are refused", () => {
    for (const bad of [encodeFrame(OPCODE.text, Buffer.from("x")), Buffer.from([0xc1, 0x80, 0, 0, 0, 0])]) {
      expect(() => [...new FrameDecoder().push(bad)]).toThrow("bad WebSocket frame");
    }
    const giant = Buffer.from([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(() => [...new FrameDecoder().push(giant)]).toThrow("bad WebSocket frame");
  });
});

test("attach over WebSocket: raw both ways, then a close frame", async () => {
  const process = new EchoProcess(false);
  await using harness = await startHarness({ containers: { attach: async () => process } });
  await using connection = await harness.raw();
  connection.send(
    "GET /v1.51/containers/x/attach/ws?stdin=1&stdout=1&stream=1 HTTP/1.1\r\nHost: t\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const head = await connection.until("\r\n\r\n");
  expect(head).toStartWith("HTTP/1.1 101 ");
  expect(head).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  connection.send(masked(OPCODE.text, Buffer.from("ahoy")));
  await connection.until(Buffer.from(encodeFrame(OPCODE.binary, Buffer.from("ahoy"))).toString("latin1"));
  connection.send(masked(OPCODE.ping, Buffer.from("p")));
  await connection.until(Buffer.from(encodeFrame(OPCODE.pong, Buffer.from("p"))).toString("latin1"));
  process.endInput();
  expect(await connection.all()).toEndWith("\x88\x02\x03\xe8");
  expect(process.closed).toBe(true);
});

test("the route is for WebSockets only", async () => {
  await using harness = await startHarness({});
  expect((await harness.ask("GET", "/containers/x/attach/ws")).status).toBe(400);
});
