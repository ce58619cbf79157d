// A process's standard input and output as one stream, as a connection is: what a frontend speaks HTTP/2 on.

import { Duplex } from "node:stream";
import type { StepProcess } from "../../needs.ts";

/** @param said is given what it writes to standard error */
export function processSocket(process: StepProcess, said: (data: Uint8Array) => void): Duplex {
  let wanted = Promise.withResolvers<void>();
  const socket = new Duplex({
    read: () => wanted.resolve(),
    write(chunk: Uint8Array, _encoding, done) {
      process.write(chunk).then(() => done(), done);
    },
    // HTTP/2 writes in small pieces: what waits goes out as one.
    writev(pieces, done) {
      process.write(Buffer.concat(pieces.map(({ chunk }) => chunk as Uint8Array))).then(() => done(), done);
    },
    final(done) {
      process.endInput();
      done();
    },
    destroy(error, done) {
      wanted.resolve();
      done(error);
    },
  });
  // Told to who reads and writes; how the process ended says the rest.
  socket.on("error", () => undefined);
  const pump = async () => {
    for await (const { stream, data } of process.output) {
      if (stream === "stderr") {
        said(data);
        continue;
      }
      if (socket.destroyed) continue;
      wanted = Promise.withResolvers();
      // Bytes of a pipe: the buffer is the reader's for as long as it wants.
      if (!socket.push(Buffer.from(data))) await wanted.promise;
    }
    socket.push(null);
  };
  pump().catch((error: Error) => socket.destroy(error));
  return socket;
}
