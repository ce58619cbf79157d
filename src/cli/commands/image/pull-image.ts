// POST /images/create for a name: pulls, with progress on `out`.

import type { ProgressMessage } from "../../../api/backend.ts";
import { parseReference, repositoryName, withDefaultTag } from "../../../image/reference.ts";
import type { Output } from "../../base/output.ts";
import type { Context } from "../../command.ts";
import { authHeader } from "../../config/credentials.ts";
import { displayProgress, drainProgress } from "../../progress/display.ts";
import { jsonLines } from "../../stream/bytes.ts";

export interface PullOptions {
  readonly platform: string;
  readonly out: Output;
  readonly quiet: boolean;
  readonly allTags?: boolean;
}

/** @throws HoyError */
export async function pullImage({ engine, config }: Context, image: string, options: PullOptions): Promise<void> {
  const reference = options.allTags === true ? parseReference(image) : withDefaultTag(parseReference(image));
  const { body } = await engine.send("POST", "/images/create", {
    query: {
      fromImage: repositoryName(reference),
      tag: options.allTags === true ? undefined : (reference.digest ?? reference.tag),
      platform: options.platform === "" ? undefined : options.platform.toLowerCase(),
    },
    headers: await authHeader(config, reference),
  });
  const messages = jsonLines<ProgressMessage>(body);
  if (options.quiet) await drainProgress(messages);
  else await displayProgress(options.out, messages);
}
