// `logout`: forgets the credentials of a registry.

import { messageOf } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { eraseCredentials, HUB_KEY, registryKey } from "../../config/credentials.ts";

export const logout = command({
  usage: "[SERVER]",
  args: args.atMost(1),
  details: "If no server is specified, the default is Docker Hub.",
  flags: {},
  async run({ io, config }, { args: [server] }) {
    const host = server?.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    const key = host === undefined ? HUB_KEY : registryKey(host);
    io.stdout.line(`Removing login credentials for ${server ?? key}`);
    try {
      await eraseCredentials(config, key);
    } catch (thrown) {
      io.stderr.line(`WARNING: could not erase credentials:\n${messageOf(thrown)}`);
    }
  },
});
