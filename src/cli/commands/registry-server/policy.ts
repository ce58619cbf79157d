// `registry immutable …`, `registry retention …` and `registry quota …`: rules of a registry, in its database, whether it
// runs or not.

import { type Books, retain, withBooks } from "../../../registry/server/admin.ts";
import { parseDuration } from "../../base/duration.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { humanSize, parseBytes } from "../../format/units.ts";
import { changing } from "./audited.ts";
import { printRows, requireRegistry, rootFlag } from "./root.ts";

const NS_PER_MS = 1_000_000;
const MS_PER_HOUR = 3_600_000;
const PATTERN = "REPOSITORY is a name, NAME/* for all under it, or *.";

export const immutableAdd = changing({
  usage: "[OPTIONS] REPOSITORY [TAGS]",
  args: args.between(1, 2),
  details: `${PATTERN} TAGS is a pattern with * and ?, all tags without. Such a tag can be set once, not moved or removed.`,
  flags: { root: rootFlag() },
  async run({ io }, { flags, args: [pattern = "", tags = "*"] }) {
    io.stdout.line(String(withRules(flags.root, ({ rules }) => rules.addImmutable(pattern, tags))));
  },
});

export const immutableLs = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { root: rootFlag() },
  async run({ io }, { flags }) {
    const found = withRules(flags.root, ({ rules }) => rules.immutables());
    const rows = found.map(({ id, pattern, tags }) => [String(id), pattern, tags]);
    printRows(io.stdout, ["ID", "REPOSITORY", "TAGS"], rows);
  },
});

export const immutableRm = changing({
  usage: "[OPTIONS] ID [ID...]",
  args: args.atLeast(1),
  flags: { root: rootFlag() },
  async run(_context, { flags, args: ids }) {
    removeRules(flags.root, "immutable", ids);
  },
});

export const retentionAdd = changing({
  usage: "[OPTIONS] REPOSITORY",
  args: args.exactly(1),
  details:
    `${PATTERN} A tag stays that is one of the newest --keep, or younger than --age; the others go with the next ` +
    "collection. Immutable tags stay. A tag goes when one rule says so.",
  flags: {
    age: flag.string("Tags younger than this stay (30d, 12h)"),
    keep: flag.uint("So many of the newest tags stay"),
    root: rootFlag(),
    tags: flag.string("Tags it is about, a pattern with * and ?", { initial: "*" }),
    untagged: flag.string("Manifests without a tag go when older than this"),
  },
  async run({ io }, { flags, changed, args: [pattern = ""] }) {
    const rule = {
      pattern,
      tags: flags.tags,
      keep: changed.has("keep") ? flags.keep : null,
      age: changed.has("age") ? daysOf(flags.age) : null,
      untagged: changed.has("untagged") ? daysOf(flags.untagged) : null,
    };
    io.stdout.line(String(withRules(flags.root, ({ rules }) => rules.addRetention(rule))));
  },
});

export const retentionLs = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { root: rootFlag() },
  async run({ io }, { flags }) {
    const found = withRules(flags.root, ({ rules }) => rules.retentions());
    const rows = found.map((each) => [
      String(each.id),
      each.pattern,
      each.tags,
      each.keep === null ? "-" : String(each.keep),
      shownAge(each.age),
      shownAge(each.untagged),
    ]);
    printRows(io.stdout, ["ID", "REPOSITORY", "TAGS", "KEEP", "AGE", "UNTAGGED"], rows);
  },
});

export const retentionRm = changing({
  usage: "[OPTIONS] ID [ID...]",
  args: args.atLeast(1),
  flags: { root: rootFlag() },
  async run(_context, { flags, args: ids }) {
    removeRules(flags.root, "retention", ids);
  },
});

export const retentionRun = changing({
  usage: "[OPTIONS]",
  args: args.none,
  details: "A registry that runs does this by itself before each collection.",
  flags: { "dry-run": flag.bool("Only say what would go"), root: rootFlag() },
  async run({ io }, { flags }) {
    const removed = withRules(flags.root, (books) => retain(books, flags["dry-run"]));
    const rows = removed.map(({ repository, reference, rule }) => [repository, reference, String(rule)]);
    printRows(io.stdout, ["REPOSITORY", flags["dry-run"] ? "WOULD GO" : "REMOVED", "RULE"], rows);
  },
});

export const quotaSet = changing({
  usage: "[OPTIONS] NAME SIZE",
  args: args.exactly(2),
  details:
    "NAME is a user, an organisation or a repository; all under NAME/ counts, each blob once. SIZE is 10g, 500m.",
  flags: { root: rootFlag() },
  async run(_context, { flags, args: [subject = "", size = ""] }) {
    const bytes = parseBytes(size);
    withRules(flags.root, ({ quotas }) => quotas.set(subject, bytes));
  },
});

export const quotaLs = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { root: rootFlag() },
  async run({ io }, { flags }) {
    const rows = withRules(flags.root, ({ quotas }) =>
      quotas.list().map(({ subject, bytes }) => [subject, humanSize(quotas.used(subject)), humanSize(bytes)]),
    );
    printRows(io.stdout, ["NAME", "USED", "QUOTA"], rows);
  },
});

export const quotaRm = changing({
  usage: "[OPTIONS] NAME [NAME...]",
  args: args.atLeast(1),
  flags: { root: rootFlag() },
  async run(_context, { flags, args: names }) {
    withRules(flags.root, ({ quotas }) => {
      for (const name of names) if (!quotas.remove(name)) throw new ExitError(1, `${name} has no quota`);
    });
  },
});

function withRules<T>(root: string, work: (books: Books) => T): T {
  requireRegistry(root);
  return withBooks(root, work);
}

function removeRules(root: string, kind: "immutable" | "retention", ids: readonly string[]): void {
  withRules(root, ({ rules }) => {
    for (const id of ids)
      if (!/^\d{1,15}$/.test(id) || !rules.remove(kind, Number(id)))
        throw new ExitError(1, `there is no ${kind} rule ${id}`);
  });
}

/** Go's durations, and whole days, which people think in here: "30d". @returns ms */
function daysOf(text: string): number {
  const [, days] = /^(\d{1,5})d$/.exec(text) ?? [];
  return days === undefined ? parseDuration(text) / NS_PER_MS : Number(days) * 24 * MS_PER_HOUR;
}

function shownAge(age: number | null): string {
  if (age === null) return "-";
  const hours = age / MS_PER_HOUR;
  if (hours >= 24 && hours % 24 === 0) return `${hours / 24}d`;
  return Number.isInteger(hours) ? `${hours}h` : `${age / 1000}s`;
}
