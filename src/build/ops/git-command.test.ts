// git against a server that hangs, one that refuses, and a build that is cancelled.

import { afterAll, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { Git } from "./git-command.ts";

const silent = await listener(() => undefined);
const closing = await listener((socket) => socket.end());
afterAll(() => {
  silent.close();
  closing.close();
});
const never = new AbortController().signal;
const lsRemote = (git: Git, url: string, signal = never) => git.run(["ls-remote", "--", url], undefined, signal);

for (const scheme of ["http", "git", "ssh"]) {
  const url = (port: number) => `${scheme}://127.0.0.1:${port}/repo.git`;
  const hasClient = scheme !== "ssh" || Bun.which("ssh") !== null;

  test.skipIf(!hasClient)(
    `a ${scheme} server that accepts and says nothing is left, and what was started ends`,
    async () => {
      const git = new Git(undefined, { silence: 1000, whole: 600_000 });
      const failed = lsRemote(git, url(silent.port));
      await expect(failed).rejects.toThrow("git ls-remote was ended: nothing came from the other side for 1 second");
    },
  );

  test.skipIf(!hasClient)(`a ${scheme} server that closes is an error with git's own words`, async () => {
    await expect(lsRemote(new Git(undefined), url(closing.port))).rejects.toThrow("git ls-remote failed:");
  });
}

test("all of it is bounded, and a cancelled build ends it", async () => {
  const url = `git://127.0.0.1:${silent.port}/repo.git`;
  const slow = new Git(undefined, { silence: 600_000, whole: 500 });
  await expect(lsRemote(slow, url)).rejects.toThrow("it took longer than");
  const controller = new AbortController();
  const failed = lsRemote(new Git(undefined), url, controller.signal);
  controller.abort();
  await expect(failed).rejects.toThrow("the build was cancelled");
  await expect(lsRemote(new Git(undefined), url, controller.signal)).rejects.toThrow("the build was cancelled");
});

function listener(accepted: (socket: Socket) => void): Promise<{ port: number; close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    accepted(socket);
  });
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve({ port: typeof address === "object" && address !== null ? address.port : 0, close });
    });
  });
}
