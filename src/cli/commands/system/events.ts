// `events`: what happens in the engine, as it happens.

import type { EventMessage } from "../../../api/types/system.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { apiTimestamp, rfc3339Nano } from "../../format/time.ts";
import { jsonLines } from "../../stream/bytes.ts";
import { compileTemplate } from "../../template/template.ts";
import { TemplateError } from "../../template/token.ts";
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
    for await (const event of jsonLines<EventMessage>(body)) io.stdout.line(show(event));
  },
});

function formatter(format: string): (event: EventMessage) => string {
  if (format === "") return plain;
  try {
    const template = compileTemplate(format === "json" ? "{{json .}}" : format);
    return (event) => template.render(forTemplate(event));
  } catch (thrown) {
    if (thrown instanceof TemplateError)
      throw new ExitError(64, `Error parsing format: template parsing error: ${thrown.message}`, thrown);
    throw thrown;
  }
}

/** Go's names beside the wire's: templates say .Time, .TimeNano, .Scope. */
function forTemplate(event: EventMessage): Value {
  const value: Record<string, unknown> = { ...event };
  const names = {
    Time: event.time,
    TimeNano: event.timeNano,
    Scope: event.scope,
    ID: event.Actor?.ID,
    Status: event.Action,
  };
  for (const [name, item] of Object.entries(names))
    Object.defineProperty(value, name, { value: item ?? "", enumerable: false });
  return value as Value;
}

/** "TIME TYPE ACTION ID (key=value, …)". */
function plain(event: EventMessage): string {
  const attributes = Object.entries(event.Actor?.Attributes ?? {})
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const time = rfc3339Nano(event.time ?? 0, event.timeNano);
  const tail = attributes.length > 0 ? ` (${attributes.join(", ")})` : "";
  return `${time} ${event.Type} ${event.Action} ${event.Actor?.ID ?? ""}${tail}`;
}
