// `image verify`: whether images are as their digests say, file by file.

import type { ImageVerification } from "../../../api/backend.ts";
import { ExitError, FailureList } from "../../base/errors.ts";
import { truncateId } from "../../base/text.ts";
import { args, command } from "../../command.ts";
import { humanSize } from "../../format/units.ts";

export const verify = command({
  usage: "IMAGE [IMAGE...]",
  args: args.atLeast(1),
  details:
    "Reads all files of the images. The exit code is 1 when one has changed or is missing; pulling or loading the image again after `image rm` mends it.",
  flags: {},
  async run({ engine, io }, { args: names }) {
    const failures = new FailureList();
    for (const name of names) {
      try {
        const found = await engine.json<ImageVerification>("POST", "/hoy/images/verify", { query: { name } });
        if (found.Faults.length > 0) throw new ExitError(1, faultsOf(name, found));
        io.stdout.line(`${name}: ${truncateId(found.Id)} is whole (${found.Checked} files, ${humanSize(found.Bytes)})`);
      } catch (thrown) {
        failures.add(thrown);
      }
    }
    failures.raise();
  },
});

function faultsOf(name: string, { Faults }: ImageVerification): string {
  return Faults.map(({ What, Digest, Fault }) => `${name}: ${What} ${Digest} ${Fault}`).join("\n");
}
