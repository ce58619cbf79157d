// `network disconnect`.

import { args, command } from "../../command.ts";
import { flag } from "../../flag.ts";

export const disconnect = command({
  usage: "[OPTIONS] NETWORK CONTAINER",
  args: args.exactly(2),
  flags: { force: flag.bool("Force the container to disconnect from a network", { short: "f" }) },
  async run({ engine }, { flags, args: [network = "", container = ""] }) {
    await engine.done("POST", `/networks/${encodeURIComponent(network)}/disconnect`, {
      json: { Container: container, Force: flags.force },
    });
  },
});
