// `registry …`: a registry server of one's own.

import type { Group } from "../command.ts";
import { entry, group } from "./entry.ts";

const users = [
  entry(
    "registry user",
    "add",
    "Add a user, or change the password",
    async () => (await import("../commands/registry-server/user.ts")).userAdd,
  ),
  entry(
    "registry user",
    "import",
    "Take users from an htpasswd file (bcrypt)",
    async () => (await import("../commands/registry-server/user.ts")).userImport,
  ),
  entry("registry user", "ls", "List users", async () => (await import("../commands/registry-server/user.ts")).userLs, {
    aliases: ["list"],
  }),
  entry(
    "registry user",
    "rm",
    "Remove users",
    async () => (await import("../commands/registry-server/user.ts")).userRm,
    { aliases: ["remove"] },
  ),
];

const own = [
  entry(
    "registry",
    "gc",
    "Free what no image needs, in a registry that does not run",
    async () => (await import("../commands/registry-server/gc.ts")).gc,
  ),
  entry(
    "registry",
    "grant",
    "Let a user, or everybody, into repositories",
    async () => (await import("../commands/registry-server/grant.ts")).grant,
  ),
  entry(
    "registry",
    "revoke",
    "Take a grant back",
    async () => (await import("../commands/registry-server/grant.ts")).revoke,
  ),
  entry(
    "registry",
    "serve",
    "Run a registry",
    async () => (await import("../commands/registry-server/serve.ts")).serve,
  ),
];

const repos = [
  entry(
    "registry repo",
    "ls",
    "List repositories",
    async () => (await import("../commands/registry-server/repo.ts")).repoLs,
    { aliases: ["list"] },
  ),
];

const tokens = [
  entry(
    "registry token",
    "create",
    "Make a Bearer token for scripts",
    async () => (await import("../commands/registry-server/token.ts")).tokenCreate,
  ),
];

const whole = group("registry", "Run and manage a registry", own);

export const registry: Group = {
  ...whole,
  children: [
    ...whole.children,
    group("repo", "Manage repositories of a registry", repos),
    group("token", "Manage tokens of a registry", tokens),
    group("user", "Manage users of a registry", users),
  ],
};
