// `logs`: what a container wrote, and with -f what it writes.

import type { ContainerInspectResponse } from "../../../api/types/container.ts";
import { UsageError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { apiTimestamp } from "../../format/time.ts";
import { demultiplex } from "../../stream/frames.ts";

export const logs = command({
  usage: "[OPTIONS] CONTAINER",
  args: args.exactly(1),
  flags: {
    details: flag.bool("Show extra details provided to logs"),
    follow: flag.bool("Follow log output", { short: "f" }),
    since: flag.string(
      'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
    tail: flag.string("Number of lines to show from the end of the logs", {
      short: "n",
      initial: "all",
      shown: '"all"',
    }),
    timestamps: flag.bool("Show timestamps", { short: "t" }),
    until: flag.string(
      'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
  },
  async run({ engine, io }, { flags, args: [name = ""] }) {
    const path = `/containers/${encodeURIComponent(name)}`;
    const { headers, body } = await engine.send("GET", `${path}/logs`, {
      query: {
        stdout: true,
        stderr: true,
        since: time("since", flags.since),
        until: time("until", flags.until),
        timestamps: flags.timestamps,
        follow: flags.follow,
        tail: flags.tail,
        details: flags.details,
      },
    });
    // Engines since API 1.42 say which of the two it is; older ones have to be asked whether there is a terminal.
    const type = headers.get("content-type") ?? "";
    const raw = type.includes("multiplexed-stream")
      ? false
      : (await engine.json<ContainerInspectResponse>("GET", `${path}/json`)).Config?.Tty === true;
    if (raw) for await (const data of body) await io.stdout.write(data);
    else for await (const { stream, data } of demultiplex(body)) await io[stream].write(data);
  },
});

/** @throws UsageError that names the option. */
function time(option: string, text: string): string | undefined {
  if (text === "") return undefined;
  try {
    return apiTimestamp(text);
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    throw new UsageError(`invalid value for "${option}": ${thrown.message}`);
  }
}
