// What commands of a build may do beyond the usual, by BuildKit's names (util/entitlements): a client asks for it, and
// the engine's settings say whether it may be asked for. Nobody asked: nobody may, as the command may come from others.

import { HoyError } from "../base/error.ts";
import type { ExecOp } from "./graph.ts";

export interface Entitlements {
  /** network.host: the host's network. */
  readonly networkHost: boolean;
  /** security.insecure: all capabilities and devices of the host. */
  readonly insecure: boolean;
}

export const NOTHING_MORE: Entitlements = { networkHost: false, insecure: false };

const NAMES = { "network.host": "networkHost", "security.insecure": "insecure" } as const;

/** @throws HoyError "invalid" for a name that is none, "forbidden" for what the engine does not grant. */
export function grant(asked: readonly string[], grantable: Entitlements): Entitlements {
  const granted = { ...NOTHING_MORE };
  for (const text of asked) {
    const [name = ""] = text.split("=");
    if (!Object.hasOwn(NAMES, name)) throw new HoyError("invalid", `unknown entitlement ${text.slice(0, 100)}`);
    const key = NAMES[name as keyof typeof NAMES];
    if (!grantable[key]) {
      throw new HoyError("forbidden", `granting entitlement ${name} is not allowed by build daemon configuration`);
    }
    granted[key] = true;
  }
  return granted;
}

/** @throws HoyError "forbidden" */
export function checkEntitled({ network, insecure }: ExecOp, granted: Entitlements): void {
  if (network === "host" && !granted.networkHost) throw refused("network.host");
  if (insecure && !granted.insecure) throw refused("security.insecure");
}

function refused(name: string): HoyError {
  return new HoyError("forbidden", `${name} is not allowed`, { hint: `ask for it with --allow ${name}` });
}
