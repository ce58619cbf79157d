// `events`: what happens in the engine, as it happens.

import type { EventMessage } from "../../../api/types/system.ts";
import { ExitError } from "../../base/errors.ts";
import { compareText } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { apiTimestamp, rfc3339Nano } from "../../format/time.ts";
import { parseLine, textLines } from "../../stream/bytes.ts";
import { objectFormat } from "../../template/format.ts";
import { markPointer } from "../../template/go-types.ts";
import { typed } from "../../template/typed.ts";
import type { Value } from "../../template/value.ts";
import { filterQuery, inspectFormat } from "../shared.ts";

export const events = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    filter: flag.filter("Filter output based on conditions provided", { short: "f" }),
    format: { ...inspectFormat(), short: undefined },
    since: flag.string("Show all events created since timestamp"),
    until: flag.string("Stream events until this timestamp"),
  },
  async run({ engine, io }, { flags }) {
    const show = formatter(flags.format);
    const time = (text: string) => (text === "" ? undefined : apiTimestamp(text));
    const { body } = await engine.send("GET", "/events", {
      query: { since: time(flags.since), until: time(flags.until), filters: filterQuery(flags.filter) },
    });
    for await (const line of textLines(body)) io.stdout.line(show(readEvent(line)));
  },
});

/** Nanoseconds are more than a JavaScript number holds: they are read from the text. */
type Event = Omit<EventMessage, "timeNano"> & { readonly timeNano: bigint };

function readEvent(line: string): Event {
  const event = parseLine<EventMessage>(line);
  const exact = /"timeNano":\s*(\d+)/.exec(line)?.[1];
  const attributes = event.Actor?.Attributes ?? {};
  const sorted = Object.fromEntries(Object.entries(attributes).sort(([left], [right]) => compareText(left, right)));
  return {
    ...event,
    Actor: { ID: event.Actor?.ID ?? "", Attributes: sorted },
    timeNano: BigInt(exact ?? (event.time ?? 0) * 1e9),
  };
}

function formatter(format: string): (event: Event) => string {
  if (format === "") return plain;
  try {
    const show = objectFormat(format);
    const render = (event: Value) => show(markPointer(typed(event, "Event") as object) as Value);
    // What does not fit is told before the first event.
    render({});
    return (event) => render(event as unknown as Value);
  } catch (thrown) {
    if (!(thrown instanceof ExitError)) throw thrown;
    throw new ExitError(64, `Error parsing format: ${thrown.message.replace("template parsing error: ", "")}`, thrown);
  }
}

/** "TIME TYPE ACTION ID (key=value, …)". */
function plain(event: Event): string {
  const attributes = Object.entries(event.Actor?.Attributes ?? {}).map(([key, value]) => `${key}=${value}`);
  const tail = attributes.length > 0 ? ` (${attributes.join(", ")})` : "";
  return `${rfc3339Nano(event.timeNano)} ${event.Type} ${event.Action} ${event.Actor?.ID ?? ""}${tail}`;
}
