// One ExecProcess call: several processes on one stream, their input, output, signals and ends as messages. A process
// that its client lets go of by ending the call is killed.

import { constants } from "node:os";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { HoyError } from "../../../base/error.ts";
import type { StepProcess } from "../../needs.ts";
import { CODE, GrpcError, toGrpcError } from "../grpc/status.ts";
import { statusOf } from "../grpc/status-message.ts";
import type { ExecMessage, ExecMessageSchema, InitMessage } from "../proto/gen/gateway_pb.ts";
import { Mailbox } from "./mailbox.ts";

type Answer = MessageInitShape<typeof ExecMessageSchema>;

const KILL = 9;
/** What a process that could not be started or was lost ends with (BuildKit, UnknownExitStatus). */
const UNKNOWN_EXIT = 255;
/** Bytes of input that wait for a process before the stream is held up. */
const MAX_INPUT = 1024 * 1024;

interface Running {
  readonly process: StepProcess;
  /** The end of what was written last. */
  writing: Promise<void>;
  waiting: number;
  hasEnded: boolean;
}

export async function* runProcesses(
  requests: AsyncIterable<ExecMessage>,
  start: (init: InitMessage) => Promise<StepProcess>,
  signal: AbortSignal,
): AsyncGenerator<Answer, void, void> {
  const out = new Mailbox<Answer>();
  const running = new Map<string, Promise<Running | undefined>>();
  const pumps: Promise<void>[] = [];
  const cut = () => out.fail(signal.reason);
  signal.addEventListener("abort", cut, { once: true });
  const read = async () => {
    for await (const { processId, input } of requests) {
      if (processId === "") throw new GrpcError(CODE.invalidArgument, "ProcessID required");
      const found = running.get(processId);
      if (input.case === "init") {
        if (found !== undefined) throw new GrpcError(CODE.alreadyExists, `Process ${processId} already exists`);
        const starting = begin(start(input.value));
        running.set(processId, starting.running);
        pumps.push(run(processId, input.value.fds, starting, out));
        continue;
      }
      if (found === undefined) throw new GrpcError(CODE.notFound, `IO for process "${processId}" not found`);
      const own = await found;
      if (own !== undefined) await tell(own, input);
    }
    await Promise.all(pumps);
    out.end();
  };
  const reading = read();
  reading.catch((error: unknown) => out.fail(error));
  try {
    signal.throwIfAborted();
    yield* out;
  } finally {
    signal.removeEventListener("abort", cut);
    for (const starting of running.values()) {
      const own = await starting;
      if (own !== undefined && !own.hasEnded) await unlessEnded(own.process.signal(KILL));
    }
  }
}

interface Starting {
  /** undefined: it could not be started. */
  readonly running: Promise<Running | undefined>;
  readonly process: Promise<StepProcess>;
}

function begin(process: Promise<StepProcess>): Starting {
  const running = process.then(
    (started): Running => ({ process: started, writing: Promise.resolve(), waiting: 0, hasEnded: false }),
    () => undefined,
  );
  return { running, process };
}

/** From its start to its last message. What goes wrong on the way is the process's own end, not the stream's. */
async function run(
  processId: string,
  fds: readonly number[],
  { running, process: starting }: Starting,
  out: Mailbox<Answer>,
): Promise<void> {
  let code = UNKNOWN_EXIT;
  let message = "";
  const own = await running;
  // Also of one that could not be: a client that waits for this would wait for ever.
  await out.put({ processId, input: { case: "started", value: {} } });
  try {
    const process = await starting;
    for await (const { stream, data } of process.output) {
      const fd = stream === "stdout" ? 1 : 2;
      if (fds.includes(fd)) await out.put({ processId, input: { case: "file", value: { fd, data } } });
    }
    ({ code } = await process.exited);
    message = `exit code: ${code}`;
  } catch (thrown) {
    ({ message } = toGrpcError(thrown));
  }
  if (own !== undefined) own.hasEnded = true;
  for (const fd of fds.filter((each) => each === 1 || each === 2)) {
    await out.put({ processId, input: { case: "file", value: { fd, eof: true } } });
  }
  const error = code === 0 ? {} : { error: statusOf(new GrpcError(CODE.unknown, message)) };
  await out.put({ processId, input: { case: "exit", value: { code, ...error } } });
  await out.put({ processId, input: { case: "done", value: {} } });
}

async function tell(own: Running, input: ExecMessage["input"]): Promise<void> {
  const { process } = own;
  switch (input.case) {
    case "file": {
      const { fd, data, eof } = input.value;
      if (fd !== 0) throw new GrpcError(CODE.invalidArgument, `fd ${fd} unavailable to write`);
      own.waiting += data.length;
      // One that has ended, or closed its input, reads no more: nobody is told, as with a pipe.
      own.writing = own.writing
        .then(() => (data.length > 0 ? process.write(data) : undefined))
        .then(() => (eof ? process.endInput() : undefined))
        .catch(() => undefined)
        .then(() => {
          own.waiting -= data.length;
        });
      if (own.waiting > MAX_INPUT) await Promise.race([own.writing, process.exited]);
      return;
    }
    case "resize": {
      const { rows, cols } = input.value;
      if (rows > 0xffff || cols > 0xffff) throw new GrpcError(CODE.invalidArgument, "no terminal has that size");
      await unlessEnded(process.resize(rows, cols));
      return;
    }
    case "signal":
      await unlessEnded(process.signal(signalOf(input.value.name)));
      return;
    default:
      throw new GrpcError(CODE.invalidArgument, `a client can't say ${input.case}`);
  }
}

/** It may end at any moment; then there is nobody to be told. */
async function unlessEnded(telling: Promise<void>): Promise<void> {
  try {
    await telling;
  } catch (error) {
    if (!(error instanceof HoyError && (error.code === "conflict" || error.code === "unavailable"))) throw error;
  }
}

/** "INT" or "SIGINT". */
function signalOf(name: string): number {
  const whole = name.startsWith("SIG") ? name : `SIG${name}`;
  const number = Object.entries(constants.signals).find(([each]) => each === whole)?.[1];
  if (number === undefined) throw new GrpcError(CODE.invalidArgument, `Unknown signal ${name.slice(0, 100)}`);
  return number;
}
