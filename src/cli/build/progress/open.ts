// Which display a build gets: as it was asked for, else the one that standard error can show.

import type { StatusResponse } from "../../../build/buildkit/proto/gen/control_pb.ts";
import { UsageError } from "../../base/errors.ts";
import type { CliIo } from "../../io.ts";
import type { ProgressMode } from "./modes.ts";
import { PlainProgress } from "./plain.ts";
import { writeRawJson } from "./raw-json.ts";
import { BuildState } from "./state.ts";
import { TerminalProgress } from "./terminal.ts";

export interface Progress {
  readonly mode: ProgressMode;
  readonly state: BuildState;
  take(status: StatusResponse): void;
  /** The last word; idempotent. */
  end(): void;
}

/** @throws UsageError for "tty" without a terminal. */
export function openProgress(asked: ProgressMode, io: CliIo): Progress {
  const { stderr, env } = io;
  if (asked === "tty" && !stderr.isTTY) throw new UsageError("--progress=tty needs a terminal on standard error");
  const mode = asked === "auto" ? (canDraw(io) ? "tty" : "plain") : asked;
  const state = new BuildState();
  const colours = !env.NO_COLOR && env.TERM !== "dumb";
  const display =
    mode === "tty" ? new TerminalProgress(stderr, colours) : mode === "plain" ? new PlainProgress(stderr) : undefined;
  let isOver = false;
  return {
    mode,
    state,
    take(status) {
      const events = state.take(status);
      display?.show(events, state);
      if (mode === "rawjson") writeRawJson(stderr, status);
    },
    end() {
      if (!isOver) display?.end();
      isOver = true;
    },
  };
}

/** In CI a terminal is a log all the same. */
function canDraw({ stderr, env }: CliIo): boolean {
  return stderr.isTTY && env.TERM !== "dumb" && !env.CI && stderr.columns > 0;
}
