// What all registry commands share: the flag that says which registry, how its accounts are opened and closed, the words
// for roles and everybody, and plain tables.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Accounts } from "../../../registry/server/access/accounts.ts";
import { EVERYBODY, ROLES, type Role } from "../../../registry/server/access/grants.ts";
import { ExitError } from "../../base/errors.ts";
import type { Output } from "../../base/output.ts";
import { flag } from "../../flag.ts";
import { alignTabs } from "../../format/tabs.ts";

const EVERYBODY_WORD = "everybody";

export const rootFlag = () => flag.string("Folder of the registry", { initial: "/var/lib/hoy-registry" });

/** The accounts of the registry in `root`, for as long as `work` takes. */
export async function withAccounts<T>(root: string, work: (accounts: Accounts) => T | Promise<T>): Promise<T> {
  requireRegistry(root);
  const accounts = new Accounts(root);
  try {
    return await work(accounts);
  } finally {
    accounts.close();
  }
}

export function requireRegistry(root: string): void {
  if (!existsSync(join(root, "registry.db")))
    throw new ExitError(1, `there is no registry in ${root} yet (hoy registry serve makes one; or see --root)`);
}

/** @throws ExitError */
export function requireRole(word: string): Role {
  const role = ROLES.find((each) => each === word);
  if (role === undefined) throw new ExitError(1, `invalid role ${JSON.stringify(word)}: read, write or admin`);
  return role;
}

/** "everybody" on the command line is nobody's name in the books. */
export const accountOf = (word: string) => (word === EVERYBODY_WORD ? EVERYBODY : word);
export const wordOf = (account: string) => (account === EVERYBODY ? EVERYBODY_WORD : account);

/** Rows under a header, in columns. */
export function printRows(out: Output, header: readonly string[], rows: readonly (readonly string[])[]): void {
  out.print(alignTabs(`${[header, ...rows].map((row) => row.join("\t")).join("\n")}\n`));
}

/** "2026-11-24", for ms since the epoch; "never" for none. */
export function dayOf(time: number | undefined): string {
  return time === undefined ? "never" : new Date(time).toISOString().slice(0, 16).replace("T", " ");
}
