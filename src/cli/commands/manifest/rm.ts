// `manifest rm`: forgets local manifest lists; what is at a registry stays.

import { parseReference, withDefaultTag } from "../../../image/reference.ts";
import { FailureList } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { removeList } from "./local.ts";

export const rm = command({
  usage: "MANIFEST_LIST [MANIFEST_LIST...]",
  args: args.atLeast(1),
  flags: {},
  async run({ config }, { args: names }) {
    const failures = new FailureList();
    for (const name of names) {
      try {
        removeList(config, withDefaultTag(parseReference(name)));
      } catch (thrown) {
        failures.add(thrown);
      }
    }
    failures.raise();
  },
});
