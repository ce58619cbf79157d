// A build's progress: what is kept of its events, and how it looks as lines, on a terminal, and as JSON.

import { describe, expect, test } from "bun:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { StatusResponseSchema } from "../../../build/buildkit/proto/gen/control_pb.ts";
import { memoryIo } from "../../testing/memory-io.ts";
import { PlainProgress } from "./plain.ts";
import { writeRawJson } from "./raw-json.ts";
import { caretUnder } from "./report.ts";
import { BuildState } from "./state.ts";
import { clean, TerminalProgress } from "./terminal.ts";

type Status = MessageInitShape<typeof StatusResponseSchema>;

const status = (init: Status) => create(StatusResponseSchema, init);
const at = (seconds: number) => timestampFromMs(seconds * 1000);
const log = (vertex: string, text: string, seconds: number) =>
  status({ logs: [{ vertex, msg: Buffer.from(text), timestamp: at(seconds) }] });

const EVENTS = [
  status({ vertexes: [{ digest: "a", name: "[1/2] FROM busybox" }] }),
  status({ vertexes: [{ digest: "a", name: "[1/2] FROM busybox", started: at(10) }] }),
  status({ vertexes: [{ digest: "b", name: "[2/2] RUN make", started: at(10) }] }),
  status({ vertexes: [{ digest: "a", name: "[1/2] FROM busybox", started: at(10), completed: at(10), cached: true }] }),
  log("b", "one\ntw", 10.5),
  log("b", "o\n", 11),
  status({ statuses: [{ id: "pulling", vertex: "b", current: 1500n, total: 3000n, started: at(10) }] }),
  status({ statuses: [{ id: "pulling", vertex: "b", current: 3000n, started: at(10), completed: at(12) }] }),
  status({ vertexes: [{ digest: "b", name: "[2/2] RUN make", started: at(10), completed: at(12.25) }] }),
];

test("plain: a block for each turn of a step, in the order they were begun", () => {
  const { io, text } = memoryIo();
  const [state, plain] = [new BuildState(), new PlainProgress(io.stderr)];
  for (const event of EVENTS) plain.show(state.take(event), state);
  plain.end();
  expect(text().stderr).toBe(`#1 [1/2] FROM busybox

#2 [2/2] RUN make

#1 [1/2] FROM busybox
#1 CACHED

#2 [2/2] RUN make
#2 0.500 one
#2 1.000 two
#2 pulling 1.5kB / 3kB
#2 pulling 3kB 2.0s done
#2 DONE 2.3s

`);
});

describe("on a terminal", () => {
  const drawn = (columns: number, events: readonly Status[], whole: boolean, rows?: number) => {
    const { io, text } = memoryIo({ columns, ...(rows === undefined ? {} : { rows }) });
    const state = new BuildState();
    const display = new TerminalProgress(io.stderr, false, () => 11_500);
    for (const event of events) display.show(state.take(create(StatusResponseSchema, event)), state);
    display.draw(whole);
    const lines = text().stderr.replaceAll("\x1b[?25l", "").replaceAll("\x1b[2K", "").replace("\x1b[J", "");
    display.end();
    return lines.replaceAll("\r", "").trimEnd().split("\n");
  };

  test("a running step has its last lines, and all lines end at the edge", () => {
    const lines = drawn(40, EVENTS.slice(0, 6), false, 24);
    expect(lines).toEqual([
      "[+] Building 0.0s (1/2)",
      " => CACHED [1/2] FROM busybox       0.0s",
      " => [2/2] RUN make                  1.5s",
      " => => # one",
      " => => # two",
    ]);
    expect(drawn(24, EVENTS.slice(0, 6), false, 24)).toContain(" => CACHED [1/2] F… 0.0s");
  });

  test("what is done goes first where there is no room, and is there again at the end", () => {
    const many = Array.from({ length: 30 }, (_, index) =>
      status({ vertexes: [{ digest: `d${index}`, name: `step ${index}`, started: at(1), completed: at(2) }] }),
    );
    const running = status({ vertexes: [{ digest: "r", name: "running", started: at(11) }] });
    const lines = drawn(80, [...many, running], false, 10);
    expect(lines.length).toBe(9);
    expect(lines.at(-1)).toContain("running");
    expect(drawn(80, [...many, running], true, 10).length).toBe(32);
  });

  test("it is drawn over what was drawn, also where that has wrapped since", () => {
    const sink = memoryIo({ columns: 80, rows: 24 });
    const state = new BuildState();
    const display = new TerminalProgress(sink.io.stderr, false, () => 11_500);
    for (const event of EVENTS.slice(0, 4)) display.show(state.take(event), state);
    display.draw(false);
    sink.resize(40);
    display.draw(false);
    display.end();
    // The head is 23 wide, the other two were 80 and take two lines each now.
    expect(sink.text().stderr).toContain("\x1b[5A");
  });

  test("nothing of a step's output moves the cursor or leaves its line", () => {
    expect(clean("a\x1b[2Jb\x1b]0;title\x07c\td\x07e\x9bf")).not.toMatch(/\p{Cc}/u);
    expect(clean("\x1b[31mred\x1b[0m")).toBe("red");
  });
});

test("a step's progress bar is its last state only, and long output keeps its end", () => {
  const state = new BuildState();
  state.take(status({ vertexes: [{ digest: "a", name: "a", started: at(1) }] }));
  state.take(log("a", "10%\r20%\r30%\nnext\r\n", 2));
  expect(state.steps.get("a")?.output.lines).toEqual(["30%", "next"]);
  state.take(log("a", Array.from({ length: 500 }, (_, index) => `${index}\n`).join(""), 3));
  expect(state.steps.get("a")?.output.lines.length).toBe(100);
  expect(state.steps.get("a")?.output.lines.at(-1)).toBe("499");
});

test("raw JSON is what BuildKit's clients write", () => {
  const { io, text } = memoryIo();
  writeRawJson(io.stderr, status({ vertexes: [{ digest: "a", name: "n", inputs: ["x"], started: at(1) }] }));
  writeRawJson(io.stderr, log("a", "hi", 1));
  writeRawJson(io.stderr, status({}));
  expect(
    text()
      .stderr.trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual([
    { vertexes: [{ digest: "a", inputs: ["x"], name: "n", started: "1970-01-01T00:00:01.000Z" }] },
    { logs: [{ vertex: "a", stream: 0, data: "aGk=", timestamp: "1970-01-01T00:00:01.000Z" }] },
  ]);
});

test.each([
  ["RUNN foo", "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)", "^^^^"],
  ["COPY --form=a b c", "unknown flag: --form (did you mean from?)", "     ^^^^^^"],
  ["COPY nope /", 'failed to calculate checksum: "/nope": not found', "     ^^^^"],
  ['RUN exit "7"', 'process "/bin/sh -c exit \\"7\\"" did not complete successfully: exit code: 7', "    ^^^^^^^^"],
  ["RUN a", "something else went wrong", undefined],
])("the caret in %j", (line, message, caret) => {
  expect(caretUnder(line, message)).toBe(caret);
});
