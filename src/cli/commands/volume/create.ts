// `volume create`.

import type { Volume, VolumeCreateOptions } from "../../../api/types/volume.ts";
import { ExitError } from "../../base/errors.ts";
import { cut } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { checkLabel } from "../../run/environment.ts";

/** Flags of cluster volumes, which need a swarm: known, and refused when used. */
const clusterFlags = {
  availability: flag.string('Cluster Volume availability ("active", "pause", "drain")', { hidden: true }),
  group: flag.string("Cluster Volume group (cluster volumes)", { hidden: true }),
  "limit-bytes": flag.bytes("Minimum size of the Cluster Volume in bytes", { hidden: true }),
  "required-bytes": flag.bytes("Maximum size of the Cluster Volume in bytes", { hidden: true }),
  scope: flag.string('Cluster Volume access scope ("single", "multi")', { hidden: true }),
  secret: flag.map("Cluster Volume secrets", { hidden: true }),
  sharing: flag.string('Cluster Volume access sharing ("none", "readonly", "onewriter", "all")', { hidden: true }),
  "topology-preferred": flag.list("A topology that the Cluster Volume would be preferred in", { hidden: true }),
  "topology-required": flag.list("A topology that the Cluster Volume must be accessible from", { hidden: true }),
  type: flag.string('Cluster Volume access type ("mount", "block")', { hidden: true }),
};

const name = flag.string("Specify volume name", { hidden: true });

export const create = command({
  usage: "[OPTIONS] [VOLUME]",
  args: args.atMost(1),
  flags: {
    driver: flag.string("Specify volume driver name", { short: "d", initial: "local", shown: '"local"' }),
    label: flag.list("Set metadata for a volume", { check: checkLabel }),
    name,
    opt: flag.map("Set driver specific options", { short: "o" }),
    ...clusterFlags,
  },
  async run({ engine, io }, { flags, args: [written], changed }) {
    const cluster = Object.keys(clusterFlags).find((each) => changed.has(each));
    if (cluster !== undefined) throw new ExitError(1, `--${cluster} is for cluster volumes, which need a swarm`);
    if (written !== undefined && flags.name !== "")
      throw new ExitError(
        1,
        "conflicting options: cannot specify a volume-name through both --name and as a positional arg",
      );
    const request: VolumeCreateOptions = {
      Driver: flags.driver,
      DriverOpts: Object.fromEntries(flags.opt),
      Labels: Object.fromEntries(flags.label.map((label) => cut(label, "="))),
    };
    const chosen = written ?? flags.name;
    if (chosen !== "") request.Name = chosen;
    const volume = await engine.json<Volume>("POST", "/volumes/create", { json: request });
    io.stdout.line(volume.Name);
  },
});
