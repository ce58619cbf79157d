// `registry gc`: one collection of a registry that does not run; one that runs collects by itself (--gc-every).

import { collectOnce } from "../../../registry/server/admin.ts";
import { REGISTRY_DEFAULTS } from "../../../registry/server/server.ts";
import { args } from "../../command.ts";
import { flag } from "../../flag.ts";
import { changing } from "./audited.ts";
import { requireRegistry, rootFlag } from "./root.ts";
import { blobsOf, s3Flags } from "./s3.ts";

const NS_PER_MS = 1_000_000;

export const gc = changing({
  usage: "[OPTIONS]",
  args: args.none,
  flags: {
    grace: flag.duration("How long uploads may be idle and blobs without an image", {
      initial: REGISTRY_DEFAULTS.grace * NS_PER_MS,
      shown: "24h",
    }),
    root: rootFlag(),
    ...s3Flags(),
  },
  async run({ io }, { flags }) {
    requireRegistry(flags.root);
    const freed = await collectOnce(flags.root, flags.grace / NS_PER_MS, blobsOf(flags, process.env));
    io.stdout.line(`freed ${freed.blobs} blobs, ${freed.bytes} bytes; ended ${freed.uploads} uploads`);
  },
});
