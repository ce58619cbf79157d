// What `stop` and `restart` share: a signal and a time to wait.

import { HoyError } from "../../../base/error.ts";
import type { Context } from "../../command.ts";
import { forEachArgument } from "../shared.ts";

interface EndCall {
  readonly flags: { readonly signal: string; readonly timeout: number };
  readonly args: readonly string[];
  readonly changed: ReadonlySet<string>;
}

export function endContainers(
  context: Context,
  { flags, args, changed }: EndCall,
  verb: "stop" | "restart",
): Promise<void> {
  const query = { signal: flags.signal || undefined, t: changed.has("timeout") ? flags.timeout : undefined };
  return forEachArgument(context, args, async (name) => {
    try {
      await context.engine.done("POST", `/containers/${encodeURIComponent(name)}/${verb}`, { query });
    } catch (thrown) {
      // Already so: what was asked for is reached.
      if (!(thrown instanceof HoyError) || thrown.code !== "not-modified") throw thrown;
    }
  });
}
