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

const orgs = [
  entry(
    "registry org",
    "create",
    "Make an organisation",
    async () => (await import("../commands/registry-server/org.ts")).orgCreate,
  ),
  entry(
    "registry org",
    "join",
    "Add a member, or change the role",
    async () => (await import("../commands/registry-server/org.ts")).orgJoin,
  ),
  entry(
    "registry org",
    "leave",
    "Remove a member",
    async () => (await import("../commands/registry-server/org.ts")).orgLeave,
  ),
  entry(
    "registry org",
    "ls",
    "List organisations",
    async () => (await import("../commands/registry-server/org.ts")).orgLs,
    { aliases: ["list"] },
  ),
  entry(
    "registry org",
    "members",
    "List the members of an organisation",
    async () => (await import("../commands/registry-server/org.ts")).orgMembers,
  ),
  entry(
    "registry org",
    "rm",
    "Remove organisations",
    async () => (await import("../commands/registry-server/org.ts")).orgRm,
    { aliases: ["remove"] },
  ),
];

const robots = [
  entry(
    "registry robot",
    "create",
    "Make an account for a machine, and its first token",
    async () => (await import("../commands/registry-server/robot.ts")).robotCreate,
  ),
  entry(
    "registry robot",
    "ls",
    "List robots",
    async () => (await import("../commands/registry-server/robot.ts")).robotLs,
    { aliases: ["list"] },
  ),
  entry(
    "registry robot",
    "rm",
    "Remove robots",
    async () => (await import("../commands/registry-server/robot.ts")).robotRm,
    { aliases: ["remove"] },
  ),
];

const own = [
  entry(
    "registry",
    "export",
    "Write a whole registry into an archive",
    async () => (await import("../commands/registry-server/archive.ts")).exportAll,
  ),
  entry(
    "registry",
    "import",
    "Make a registry from an archive",
    async () => (await import("../commands/registry-server/archive.ts")).importAll,
  ),
  entry(
    "registry",
    "gc",
    "Free what no image needs, in a registry that does not run",
    async () => (await import("../commands/registry-server/gc.ts")).gc,
  ),
  entry(
    "registry",
    "grant",
    "Let an account, or everybody, into repositories",
    async () => (await import("../commands/registry-server/grant.ts")).grant,
  ),
  entry(
    "registry",
    "grants",
    "List who was let in where",
    async () => (await import("../commands/registry-server/grant.ts")).grantLs,
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
  entry(
    "registry repo",
    "rm",
    "Remove repositories with all they have",
    async () => (await import("../commands/registry-server/repo.ts")).repoRm,
    { aliases: ["remove"] },
  ),
  entry(
    "registry repo",
    "set",
    "Make a repository public or private",
    async () => (await import("../commands/registry-server/repo.ts")).repoSet,
  ),
];

const tokens = [
  entry(
    "registry token",
    "create",
    "Make a token: a password for scripts",
    async () => (await import("../commands/registry-server/token.ts")).tokenCreate,
  ),
  entry(
    "registry token",
    "ls",
    "List tokens",
    async () => (await import("../commands/registry-server/token.ts")).tokenLs,
    { aliases: ["list"] },
  ),
  entry(
    "registry token",
    "rm",
    "Take tokens back",
    async () => (await import("../commands/registry-server/token.ts")).tokenRm,
    { aliases: ["remove"] },
  ),
];

const immutables = [
  entry(
    "registry immutable",
    "add",
    "Make tags that are set once",
    async () => (await import("../commands/registry-server/policy.ts")).immutableAdd,
  ),
  entry(
    "registry immutable",
    "ls",
    "List the rules",
    async () => (await import("../commands/registry-server/policy.ts")).immutableLs,
    { aliases: ["list"] },
  ),
  entry(
    "registry immutable",
    "rm",
    "Remove rules",
    async () => (await import("../commands/registry-server/policy.ts")).immutableRm,
    { aliases: ["remove"] },
  ),
];

const quotas = [
  entry(
    "registry quota",
    "ls",
    "List quotas and what is used of them",
    async () => (await import("../commands/registry-server/policy.ts")).quotaLs,
    { aliases: ["list"] },
  ),
  entry(
    "registry quota",
    "rm",
    "Remove quotas",
    async () => (await import("../commands/registry-server/policy.ts")).quotaRm,
    { aliases: ["remove"] },
  ),
  entry(
    "registry quota",
    "set",
    "Set how many bytes a name may hold",
    async () => (await import("../commands/registry-server/policy.ts")).quotaSet,
  ),
];

const retentions = [
  entry(
    "registry retention",
    "add",
    "Say which tags go by themselves",
    async () => (await import("../commands/registry-server/policy.ts")).retentionAdd,
  ),
  entry(
    "registry retention",
    "ls",
    "List the rules",
    async () => (await import("../commands/registry-server/policy.ts")).retentionLs,
    { aliases: ["list"] },
  ),
  entry(
    "registry retention",
    "rm",
    "Remove rules",
    async () => (await import("../commands/registry-server/policy.ts")).retentionRm,
    { aliases: ["remove"] },
  ),
  entry(
    "registry retention",
    "run",
    "Remove now what the rules say",
    async () => (await import("../commands/registry-server/policy.ts")).retentionRun,
  ),
];

const webhooks = [
  entry(
    "registry webhook",
    "add",
    "Say who is told of what happens",
    async () => (await import("../commands/registry-server/webhook.ts")).webhookAdd,
  ),
  entry(
    "registry webhook",
    "ls",
    "List webhooks, and what waits for them",
    async () => (await import("../commands/registry-server/webhook.ts")).webhookLs,
    { aliases: ["list"] },
  ),
  entry(
    "registry webhook",
    "rm",
    "Remove webhooks",
    async () => (await import("../commands/registry-server/webhook.ts")).webhookRm,
    { aliases: ["remove"] },
  ),
];

const upstreams = [
  entry(
    "registry upstream",
    "add",
    "Cache another registry under a prefix",
    async () => (await import("../commands/registry-server/upstream.ts")).upstreamAdd,
  ),
  entry(
    "registry upstream",
    "ls",
    "List upstreams",
    async () => (await import("../commands/registry-server/upstream.ts")).upstreamLs,
    { aliases: ["list"] },
  ),
  entry(
    "registry upstream",
    "rm",
    "Remove upstreams",
    async () => (await import("../commands/registry-server/upstream.ts")).upstreamRm,
    { aliases: ["remove"] },
  ),
];

const whole = group("registry", "Run and manage a registry", own);

export const registry: Group = {
  ...whole,
  children: [
    ...whole.children,
    group("immutable", "Manage immutable tags of a registry", immutables),
    group("org", "Manage organisations of a registry", orgs),
    group("quota", "Manage quotas of a registry", quotas),
    group("repo", "Manage repositories of a registry", repos),
    group("retention", "Manage what goes by itself in a registry", retentions),
    group("robot", "Manage robots of a registry", robots),
    group("token", "Manage tokens of a registry", tokens),
    group("upstream", "Manage registries that are cached", upstreams),
    group("user", "Manage users of a registry", users),
    group("webhook", "Manage webhooks of a registry", webhooks),
  ],
};
