// Commands that change a registry's books from its host are in its audit log too, beside what comes over HTTP. Where the
// log is, the server has written down in the registry's folder. A log that can't be written keeps the change from
// happening.

import { userInfo } from "node:os";
import { appendAudit, auditPathOf } from "../../../registry/server/audit.ts";
import { ExitError } from "../../base/errors.ts";
import type { Command } from "../../command.ts";
import type { Flags } from "../../flags.ts";
import type { rootFlag } from "./root.ts";

type WithRoot = Flags & { readonly root: ReturnType<typeof rootFlag> };

/** Declares a command that changes something. */
export function changing<F extends WithRoot>(declared: Command<F>): Command<F> {
  return {
    ...declared,
    async run(context, call) {
      const { root } = call.flags as { readonly root: string };
      const log = auditPathOf(root);
      if (log === undefined) return (await declared.run(context, call)) ?? 0;
      const write = (status: number) => {
        const path = [context.path, ...call.args.map(withoutSecrets)].join(" ");
        const entry = { user: undefined, claimed: whoCalls(context.io.env), address: undefined, method: "COMMAND" };
        appendAudit(log, { ...entry, path, status });
      };
      reachable(log);
      try {
        const code = (await declared.run(context, call)) ?? 0;
        write(code);
        return code;
      } catch (thrown) {
        write(1);
        throw thrown;
      }
    },
  };
}

/** Before anything is changed. */
function reachable(log: string): void {
  try {
    appendAudit(log, undefined);
  } catch (cause) {
    throw new ExitError(1, `the audit log ${log} can't be written, so nothing is changed: ${String(cause)}`, cause);
  }
}

/** Whoever is root by sudo is somebody. */
function whoCalls(env: Readonly<Record<string, string | undefined>>): string {
  const { username } = userInfo();
  return env.SUDO_USER === undefined || env.SUDO_USER === username ? username : `${env.SUDO_USER} as ${username}`;
}

/** Webhooks' addresses often are their password. */
function withoutSecrets(argument: string): string {
  return /^https?:/i.test(argument) && URL.canParse(argument) ? new URL(argument).origin : argument;
}
