import { expect, test } from "bun:test";
import fc from "fast-check";
import { Demultiplexer, demultiplex, frame } from "./stdcopy.ts";

const names = ["stdout", "stderr"] as const;

test("a frame is Docker's eight bytes and the data", () => {
  expect([...frame("stderr", Buffer.from("ab"))]).toEqual([2, 0, 0, 0, 0, 0, 0, 2, 97, 98]);
});

test("whatever is framed comes out again, however the transport cuts it", () => {
  const piece = fc.record({ stream: fc.constantFrom(...names), data: fc.uint8Array({ maxLength: 40 }) });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(30), { maxLength: 30 }), (pieces, cuts) => {
      const whole = Buffer.concat(pieces.map(({ stream, data }) => frame(stream, data)));
      const demultiplexer = new Demultiplexer();
      const got = { stdin: "", stdout: "", stderr: "", systemerr: "" };
      let at = 0;
      for (const cut of [...cuts, whole.length]) {
        for (const { stream, data } of demultiplexer.push(whole.subarray(at, at + cut))) {
          got[stream] += Buffer.from(data).toString("hex");
        }
        at += cut;
      }
      expect(demultiplexer.atBoundary).toBe(true);
      for (const name of names) {
        const wanted = pieces
          .filter((each) => each.stream === name)
          .map(({ data }) => Buffer.from(data).toString("hex"));
        expect(got[name]).toBe(wanted.join(""));
      }
    }),
  );
});

test("headers that no server sends, and streams that end too early, are errors", async () => {
  expect(() => [...new Demultiplexer().push(Buffer.from("HTTP/1.1"))]).toThrow("Unrecognized input header: 72");
  async function* cut() {
    yield frame("stdout", Buffer.from("abc")).subarray(0, 9);
  }
  await expect(Array.fromAsync(demultiplex(cut()))).rejects.toThrow("middle of a frame");
});
