// Attach and logs of real containers.

import { describe, expect, test } from "bun:test";
import { never, sh, text, wholeEngine } from "../testing/whole.ts";

const engine = wholeEngine();
const attachAll = { stdin: true, stdout: true, stderr: true, logs: false, stream: true, detachKeys: undefined };

describe("streams", () => {
  test("an attach before the start misses nothing, and its input arrives", async () => {
    const id = await engine.create({ Cmd: ["cat"], OpenStdin: true, StdinOnce: true });
    const stream = await engine.containers.attach(id, attachAll, never());
    await engine.containers.start(id, { detachKeys: undefined });
    await stream.write(Buffer.from("hello\n"));
    stream.endInput();
    expect(await text(stream.output)).toBe("hello\n");
    expect(await engine.wait(id)).toBe(0);
  });

  test("several clients see the same; one that leaves takes nothing from the others", async () => {
    const id = await engine.create({ Cmd: ["cat"], OpenStdin: true });
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => engine.containers.attach(id, attachAll, never())));
    await engine.containers.start(id, { detachKeys: undefined });
    three?.close();
    const seen = [one, two].map((stream) => stream && text(stream.output));
    await one?.write(Buffer.from("to all\n"));
    await Bun.sleep(200);
    await engine.containers.kill(id, { signal: undefined });
    expect(await Promise.all(seen)).toEqual(["to all\n", "to all\n"]);
  });

  test("a slow client of a container that is removed at its end still gets all of its output", async () => {
    const id = await engine.create(sh("head -c 300000 /dev/zero"), { AutoRemove: true });
    const stream = await engine.containers.attach(id, attachAll, never());
    const { result } = await engine.containers.wait(id, "removed", never());
    await engine.containers.start(id, { detachKeys: undefined });
    let length = 0;
    for await (const { data } of stream.output) {
      if (length === 0) await Promise.race([result, Bun.sleep(500)]);
      length += data.length;
    }
    expect(length).toBe(300_000);
    expect(await result).toEqual({ StatusCode: 0 });
  });

  test("logs=1 replays what was before", async () => {
    const id = await engine.run(sh("echo before; sleep 100"));
    while ((await engine.logs(id)) === "") await Bun.sleep(10);
    const stream = await engine.containers.attach(id, { ...attachAll, logs: true, stream: false }, never());
    expect(await text(stream.output)).toBe("before\n");
  });

  test("the detach keys let go of a terminal, and the process runs on", async () => {
    const id = await engine.create({ Cmd: ["sh"], Tty: true, OpenStdin: true });
    const stream = await engine.containers.attach(id, { ...attachAll, detachKeys: "ctrl-a,x" }, never());
    await engine.containers.start(id, { detachKeys: undefined });
    const output = text(stream.output);
    await stream.write(Buffer.from("\x01x"));
    await output;
    expect(await engine.state(id)).toMatchObject({ Running: true });
    await expect(engine.containers.attach(id, { ...attachAll, detachKeys: "ctrl-a,xx" }, never())).rejects.toThrow(
      "Invalid detach keys (ctrl-a,xx) provided",
    );
  });

  test("a follower gets every line and ends with the container", async () => {
    const id = await engine.run(sh("for i in 1 2 3 4 5; do echo $i; sleep 0.1; done"));
    const options = { stdout: true, stderr: true, follow: true, since: undefined, until: undefined };
    const more = { timestamps: false, details: false, tail: undefined };
    const { chunks } = await engine.containers.logs(id, { ...options, ...more }, never());
    expect(await text(chunks)).toBe("1\n2\n3\n4\n5\n");
  });
});
