// What all registry commands share: the flag that says which registry, and how its users are opened and closed.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { Users } from "../../../registry/server/access/users.ts";
import { ExitError } from "../../base/errors.ts";
import { flag } from "../../flag.ts";

export const rootFlag = () => flag.string("Folder of the registry", { initial: "/var/lib/hoy-registry" });

/** The users of the registry in `root`, for as long as `work` takes. */
export async function withUsers<T>(root: string, work: (users: Users) => T | Promise<T>): Promise<T> {
  requireRegistry(root);
  const users = new Users(root);
  try {
    return await work(users);
  } finally {
    users.close();
  }
}

export function requireRegistry(root: string): void {
  if (!existsSync(join(root, "registry.db")))
    throw new ExitError(1, `there is no registry in ${root} yet (hoy registry serve makes one; or see --root)`);
}
