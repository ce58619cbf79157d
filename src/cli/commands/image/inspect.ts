// `image inspect`.

import { args, type Context, command } from "../../command.ts";
import { flag } from "../../flag.ts";
import { textOf } from "../../stream/bytes.ts";
import { type Inspected, inspectObjects } from "../inspect-objects.ts";
import { inspectFormat } from "../shared.ts";
import { platformJson } from "./load.ts";

export const inspect = command({
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  args: args.atLeast(1),
  flags: {
    format: inspectFormat(),
    platform: flag.string(
      "Inspect a specific platform of the multi-platform image. If the image or the server is not multi-platform capable, the command will error out if the platform does not match.\n'os[/arch[/variant]]': Explicit platform (eg. linux/amd64)",
    ),
  },
  run: (context, { flags, args: names }) => {
    // One that can't be read is no matter of the images.
    const platform = flags.platform === "" ? undefined : platformJson(flags.platform);
    return inspectObjects(context, names, flags.format, (name) => fetchImage(context, name, platform));
  },
});

/** @param platform as JSON */
export async function fetchImage({ engine }: Context, name: string, platform?: string): Promise<Inspected> {
  const { body } = await engine.send("GET", `/images/${encodeURIComponent(name)}/json`, {
    query: { platform },
  });
  return { struct: "Image", json: await textOf(body) };
}
