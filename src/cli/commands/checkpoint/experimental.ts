// Checkpoints are a matter of engines with experimental features: asked of any other, the answer is docker's.

import { SystemClient } from "../../../api/client/system.ts";
import { ExitError } from "../../base/errors.ts";
import type { Context } from "../../command.ts";

/** @throws ExitError when the engine's ping does not say that it has them. */
export async function needsExperimental({ engine, program, path }: Context): Promise<void> {
  if ((await new SystemClient(engine).ping()).experimental) return;
  throw new ExitError(1, `${program} ${path} is only supported on a Docker daemon with experimental features enabled`);
}
