// --security-opt: what it may say and what it means. Both spellings of the separator ("=", and the old ":") are read.

import type { HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import type { HostFacts } from "./facts.ts";

export interface SecurityOptions {
  /** "builtin", "unconfined", a profile's JSON text; undefined: the daemon's default. */
  readonly seccomp: string | undefined;
  readonly noNewPrivileges: boolean | undefined;
  /** Profile name; undefined: the default one, where the kernel has AppArmor. */
  readonly apparmor: string | undefined;
  /** SELinux: values of `label=`. */
  readonly labels: readonly string[];
  /** systempaths=unconfined: no masked and no read-only paths. */
  readonly systemPathsUnconfined: boolean;
  readonly writableCgroups: boolean | undefined;
}

/** @throws HoyError "invalid" with moby's words */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  const found: { -readonly [K in keyof SecurityOptions]: SecurityOptions[K] } = {
    seccomp: undefined,
    noNewPrivileges: undefined,
    apparmor: undefined,
    labels: [],
    systemPathsUnconfined: false,
    writableCgroups: undefined,
  };
  for (const option of options) {
    const [key, value] = split(option);
    if (key === "no-new-privileges") found.noNewPrivileges = value === undefined || boolean(value, option);
    else if (key === "writable-cgroups") found.writableCgroups = value === undefined || boolean(value, option);
    else if (key === "disable" && value === undefined) found.labels = [...found.labels, "disable"];
    else if (value === undefined) throw new HoyError("invalid", `invalid --security-opt 1: ${JSON.stringify(option)}`);
    else if (key === "label") found.labels = [...found.labels, value];
    else if (key === "apparmor") found.apparmor = value;
    else if (key === "seccomp") found.seccomp = value;
    else if (key === "systempaths" && value === "unconfined") found.systemPathsUnconfined = true;
    else throw new HoyError("invalid", `invalid --security-opt 2: ${JSON.stringify(option)}`);
  }
  return found;
}

/** What confines the container by AppArmor; undefined: nothing, the kernel has none or no profile could be loaded. */
export function apparmorProfileOf(
  host: HostConfig,
  named: Pick<SecurityOptions, "apparmor">,
  facts: Pick<HostFacts, "apparmor" | "apparmorProfile">,
): string | undefined {
  if (!facts.apparmor) return undefined;
  return named.apparmor || (host.Privileged === true ? "unconfined" : facts.apparmorProfile);
}

function split(option: string): [string, string | undefined] {
  const equals = option.indexOf("=");
  const at = equals >= 0 ? equals : option.indexOf(":");
  return at < 0 ? [option, undefined] : [option.slice(0, at), option.slice(at + 1)];
}

/** As Go's strconv.ParseBool. */
function boolean(value: string, option: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(value)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(value)) return false;
  throw new HoyError("invalid", `invalid --security-opt 2: ${JSON.stringify(option)}`);
}
