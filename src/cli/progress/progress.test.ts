// Progress of pulls and loads: moving lines on a terminal, plain ones elsewhere.

import { expect, test } from "bun:test";
import type { ProgressMessage } from "../../api/backend.ts";
import { memoryIo } from "../testing/memory-io.ts";
import { displayProgress, progressBar } from "./display.ts";

async function* messages(...list: ProgressMessage[]) {
  yield* list;
}

async function shown(columns: number | undefined, ...list: ProgressMessage[]): Promise<string> {
  const { io, text } = memoryIo(columns === undefined ? {} : { columns });
  await displayProgress(io.stdout, messages(...list));
  return text().stdout;
}

const downloading = { status: "Downloading", progressDetail: { current: 5_000_000, total: 10_000_000 }, id: "aaa" };

test("elsewhere: only lines that say something new", async () => {
  expect(
    await shown(
      undefined,
      { status: "Pulling from library/busybox", id: "latest" },
      { status: "Pulling fs layer", progressDetail: {}, id: "aaa" },
      downloading,
      { status: "Pull complete", progressDetail: {}, id: "aaa" },
      { stream: "Loaded image: x\n" },
    ),
  ).toBe("latest: Pulling from library/busybox\naaa: Pulling fs layer\naaa: Pull complete\nLoaded image: x\n");
});

test("on a terminal: a line a layer, changed in place", async () => {
  const text = await shown(
    100,
    { status: "Waiting", progressDetail: {}, id: "aaa" },
    { status: "Waiting", progressDetail: {}, id: "bbb" },
    downloading,
  );
  expect(text).toBe(
    "\n\x1b[1A\r\x1b[2Kaaa: Waiting\r\x1b[1B" +
      "\n\x1b[1A\r\x1b[2Kbbb: Waiting\r\x1b[1B" +
      "\x1b[2A\r\x1b[2Kaaa: Downloading [====================>                    ]      5MB/10MB\r\x1b[2B",
  );
});

test("bars are as wide as there is room for, and never wider than the terminal", () => {
  for (const columns of [20, 60, 80, 100, 200]) {
    const line = `aaaabbbbcccc: Downloading ${progressBar(downloading, columns)}`;
    expect(line.length).toBeLessThanOrEqual(Math.max(60, columns));
  }
  expect(progressBar({ progressDetail: { current: 1000 } }, 80)).toBe("     1kB");
  expect(progressBar({ progressDetail: {} }, 80)).toBe("");
});

test("an error in the stream is the command's", async () => {
  await expect(shown(undefined, { errorDetail: { message: "no space left on device" }, error: "x" })).rejects.toThrow(
    "no space left on device",
  );
});
