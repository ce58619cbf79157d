// `stats`: figures of running containers, drawn anew twice a second; containers that start join, those that end leave.

import type { ContainerSummary } from "../../../api/types/container.ts";
import type { ContainerStatsResponse } from "../../../api/types/stats.ts";
import type { EventMessage } from "../../../api/types/system.ts";
import { FailureList } from "../../base/errors.ts";
import { args, type Call, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { renderList } from "../../format/list.ts";
import { jsonLines } from "../../stream/bytes.ts";
import { filterQuery, listFormat } from "../shared.ts";
import { STATS_HEADERS, STATS_TABLE, statsView } from "./stats-view.ts";

const flags = {
  all: flag.bool("Show all containers (default shows just running)", { short: "a" }),
  format: listFormat(),
  "no-stream": flag.bool("Disable streaming stats and only pull the first result"),
  "no-trunc": flag.bool("Do not truncate output"),
};

type StatsCall = Call<typeof flags>;

/** What is known of each container, in the order they came. */
type Board = Map<string, ContainerStatsResponse | undefined>;

export const stats = command({
  usage: "[OPTIONS] [CONTAINER...]",
  args: args.any,
  flags,
  async run(context, call) {
    if (call.flags["no-stream"]) return once(context, call);
    await live(context, call);
    return 0;
  },
});

async function once(context: Context, call: StatsCall): Promise<number> {
  const board: Board = new Map();
  const failures = new FailureList();
  const names = await wanted(context, call);
  for (const name of names) board.set(name, undefined);
  await Promise.all(
    names.map(async (name) => {
      try {
        board.set(
          name,
          await context.engine.json<ContainerStatsResponse>("GET", pathOf(name), { query: { stream: "0" } }),
        );
      } catch (thrown) {
        board.delete(name);
        failures.add(thrown);
      }
    }),
  );
  // Nothing found of what was named: the errors alone, as docker does it.
  if (board.size > 0 || names.length === 0) context.io.stdout.print(draw(context, call, board));
  failures.raise();
  return 0;
}

async function live(context: Context, call: StatsCall): Promise<void> {
  const { io, engine } = context;
  const stop = new AbortController();
  const board: Board = new Map();
  const all = call.args.length === 0;
  const follow = (name: string) => {
    if (board.has(name)) return undefined;
    board.set(name, undefined);
    return watch(context, name, board, stop.signal);
  };
  // Subscribed before the list is taken, so that nothing falls between.
  const events = all
    ? await engine.send("GET", "/events", {
        query: { filters: filterQuery(new Map([["type", ["container"]]])) },
        signal: stop.signal,
      })
    : undefined;
  const watching = (await wanted(context, call)).map(follow);
  const joining = events === undefined ? undefined : joinNew(events.body, call, follow, board);
  joining?.catch((thrown: unknown) => stop.abort(thrown));
  if (!all)
    Promise.all(watching).then(
      () => stop.abort(),
      (thrown: unknown) => stop.abort(thrown),
    );
  else for (const each of watching) each?.catch(() => undefined);
  try {
    await redraw(context, call, board, stop.signal);
  } finally {
    stop.abort();
    io.stdout.print("\n");
  }
}

async function redraw(context: Context, call: StatsCall, board: Board, signal: AbortSignal): Promise<void> {
  const { stdout } = context.io;
  while (!signal.aborted) {
    const text = draw(context, call, board);
    // From the top left, each line cleared to its end, then the rest of the screen: nothing flickers.
    stdout.print(stdout.isTTY ? `\x1b[H${text.replaceAll("\n", "\x1b[K\n")}\x1b[J` : text);
    await pause(500, signal);
  }
  if (signal.reason instanceof Error && signal.reason.name !== "AbortError") throw signal.reason;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}

async function watch({ engine }: Context, name: string, board: Board, signal: AbortSignal): Promise<void> {
  const { body } = await engine.send("GET", pathOf(name), { query: { stream: "1" }, signal });
  for await (const figures of jsonLines<ContainerStatsResponse>(body)) board.set(name, figures);
  board.set(name, undefined);
}

async function joinNew(
  body: AsyncIterable<Uint8Array>,
  call: StatsCall,
  follow: (name: string) => Promise<void> | undefined,
  board: Board,
): Promise<void> {
  for await (const { Action, Actor } of jsonLines<EventMessage>(body)) {
    const id = Actor?.ID;
    if (id === undefined) continue;
    if (Action === "start" || (Action === "create" && call.flags.all)) follow(id)?.catch(() => undefined);
    if (Action === "die" && !call.flags.all) board.delete(id);
    if (Action === "destroy") board.delete(id);
  }
}

async function wanted({ engine }: Context, call: StatsCall): Promise<readonly string[]> {
  if (call.args.length > 0) return call.args;
  const list = await engine.json<ContainerSummary[]>("GET", "/containers/json", { query: { all: call.flags.all } });
  return list.map(({ Id }) => Id ?? "");
}

function draw({ config }: Context, call: StatsCall, board: Board): string {
  const chosen = call.flags.format || config.data.statsFormat || "table";
  const rows = [...board].map(([name, figures]) => statsView(name, figures, !call.flags["no-trunc"]));
  return renderList({ format: chosen === "table" ? STATS_TABLE : chosen, headers: STATS_HEADERS, rows });
}

const pathOf = (name: string) => `/containers/${encodeURIComponent(name)}/stats`;
