// `registry upstream …`: names here that are names of other registries; what is pulled by them is fetched and kept.

import { withBooks } from "../../../registry/server/admin.ts";
import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { textOf } from "../../stream/bytes.ts";
import { changing } from "./audited.ts";
import { printRows, requireRegistry, rootFlag } from "./root.ts";

const NS_PER_MS = 1_000_000;
const NS_PER_S = 1_000_000_000;
/** All names that no other prefix has. */
const ALL = "*";

export const upstreamAdd = changing({
  usage: "[OPTIONS] PREFIX|* REMOTE",
  args: args.exactly(2),
  details:
    "PREFIX/name is name at REMOTE (docker.io, quay.io/org, host:5000); * is for all names that no other prefix has. " +
    "Who may pull here sees what the account given here may see there.",
  flags: {
    insecure: flag.bool("Do not check certificates; http will do"),
    "password-stdin": flag.bool("Take the password from stdin"),
    root: rootFlag(),
    ttl: flag.duration("How long a tag is not asked for again", { initial: 300 * NS_PER_S, shown: "5m" }),
    username: flag.string("Account at the remote registry", { short: "u" }),
  },
  async run({ io }, { flags, args: [prefix = "", remote = ""] }) {
    requireRegistry(flags.root);
    if (flags["password-stdin"] !== (flags.username !== ""))
      throw new ExitError(1, "--username and --password-stdin go together");
    const password = flags["password-stdin"] ? (await textOf(io.stdin.read())).replace(/\r?\n$/, "") : undefined;
    withBooks(flags.root, ({ upstreams }) =>
      upstreams.set({
        prefix: prefix === ALL ? "" : prefix,
        remote,
        ttl: Math.floor(flags.ttl / NS_PER_MS),
        insecure: flags.insecure,
        username: flags.username || undefined,
        password,
      }),
    );
  },
});

export const upstreamLs = command({
  usage: "[OPTIONS]",
  args: args.none,
  flags: { root: rootFlag() },
  async run({ io }, { flags }) {
    requireRegistry(flags.root);
    const found = withBooks(flags.root, ({ upstreams }) => upstreams.list());
    const rows = found.map((each) => [each.prefix || ALL, each.remote, `${each.ttl / 1000}s`, each.username ?? ""]);
    printRows(io.stdout, ["PREFIX", "REMOTE", "TTL", "ACCOUNT"], rows);
  },
});

export const upstreamRm = changing({
  usage: "[OPTIONS] PREFIX|* [PREFIX...]",
  args: args.atLeast(1),
  details: "What was fetched stays, as repositories of this registry.",
  flags: { root: rootFlag() },
  async run(_context, { flags, args: prefixes }) {
    requireRegistry(flags.root);
    withBooks(flags.root, ({ upstreams }) => {
      for (const prefix of prefixes)
        if (!upstreams.remove(prefix === ALL ? "" : prefix)) throw new ExitError(1, `there is no upstream ${prefix}`);
    });
  },
});
