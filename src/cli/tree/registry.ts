// `registry …`: a registry server of one's own.

import { type Entry, group } from "./entry.ts";

const users: readonly Entry[] = [
  {
    name: "add",
    summary: "Add a user, or change the password",
    load: async () => (await import("../commands/registry-server/user.ts")).userAdd,
  },
  {
    name: "import",
    summary: "Take users from an htpasswd file (bcrypt)",
    load: async () => (await import("../commands/registry-server/user.ts")).userImport,
  },
  {
    name: "ls",
    summary: "List users",
    load: async () => (await import("../commands/registry-server/user.ts")).userLs,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Remove users",
    load: async () => (await import("../commands/registry-server/user.ts")).userRm,
    aliases: ["remove"],
  },
];

const orgs: readonly Entry[] = [
  {
    name: "create",
    summary: "Make an organisation",
    load: async () => (await import("../commands/registry-server/org.ts")).orgCreate,
  },
  {
    name: "join",
    summary: "Add a member, or change the role",
    load: async () => (await import("../commands/registry-server/org.ts")).orgJoin,
  },
  {
    name: "leave",
    summary: "Remove a member",
    load: async () => (await import("../commands/registry-server/org.ts")).orgLeave,
  },
  {
    name: "ls",
    summary: "List organisations",
    load: async () => (await import("../commands/registry-server/org.ts")).orgLs,
    aliases: ["list"],
  },
  {
    name: "members",
    summary: "List the members of an organisation",
    load: async () => (await import("../commands/registry-server/org.ts")).orgMembers,
  },
  {
    name: "rm",
    summary: "Remove organisations",
    load: async () => (await import("../commands/registry-server/org.ts")).orgRm,
    aliases: ["remove"],
  },
];

const robots: readonly Entry[] = [
  {
    name: "create",
    summary: "Make an account for a machine, and its first token",
    load: async () => (await import("../commands/registry-server/robot.ts")).robotCreate,
  },
  {
    name: "ls",
    summary: "List robots",
    load: async () => (await import("../commands/registry-server/robot.ts")).robotLs,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Remove robots",
    load: async () => (await import("../commands/registry-server/robot.ts")).robotRm,
    aliases: ["remove"],
  },
];

const own: readonly Entry[] = [
  {
    name: "export",
    summary: "Write a whole registry into an archive",
    load: async () => (await import("../commands/registry-server/archive.ts")).exportAll,
  },
  {
    name: "import",
    summary: "Make a registry from an archive",
    load: async () => (await import("../commands/registry-server/archive.ts")).importAll,
  },
  {
    name: "gc",
    summary: "Free what no image needs, in a registry that does not run",
    load: async () => (await import("../commands/registry-server/gc.ts")).gc,
  },
  {
    name: "grant",
    summary: "Let an account, or everybody, into repositories",
    load: async () => (await import("../commands/registry-server/grant.ts")).grant,
  },
  {
    name: "grants",
    summary: "List who was let in where",
    load: async () => (await import("../commands/registry-server/grant.ts")).grantLs,
  },
  {
    name: "revoke",
    summary: "Take a grant back",
    load: async () => (await import("../commands/registry-server/grant.ts")).revoke,
  },
  {
    name: "serve",
    summary: "Run a registry",
    load: async () => (await import("../commands/registry-server/serve.ts")).serve,
  },
];

const repos: readonly Entry[] = [
  {
    name: "ls",
    summary: "List repositories",
    load: async () => (await import("../commands/registry-server/repo.ts")).repoLs,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Remove repositories with all they have",
    load: async () => (await import("../commands/registry-server/repo.ts")).repoRm,
    aliases: ["remove"],
  },
  {
    name: "set",
    summary: "Make a repository public or private",
    load: async () => (await import("../commands/registry-server/repo.ts")).repoSet,
  },
];

const tokens: readonly Entry[] = [
  {
    name: "create",
    summary: "Make a token: a password for scripts",
    load: async () => (await import("../commands/registry-server/token.ts")).tokenCreate,
  },
  {
    name: "ls",
    summary: "List tokens",
    load: async () => (await import("../commands/registry-server/token.ts")).tokenLs,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Take tokens back",
    load: async () => (await import("../commands/registry-server/token.ts")).tokenRm,
    aliases: ["remove"],
  },
];

const immutables: readonly Entry[] = [
  {
    name: "add",
    summary: "Make tags that are set once",
    load: async () => (await import("../commands/registry-server/policy.ts")).immutableAdd,
  },
  {
    name: "ls",
    summary: "List the rules",
    load: async () => (await import("../commands/registry-server/policy.ts")).immutableLs,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Remove rules",
    load: async () => (await import("../commands/registry-server/policy.ts")).immutableRm,
    aliases: ["remove"],
  },
];

const quotas: readonly Entry[] = [
  {
    name: "ls",
    summary: "List quotas and what is used of them",
    load: async () => (await import("../commands/registry-server/policy.ts")).quotaLs,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Remove quotas",
    load: async () => (await import("../commands/registry-server/policy.ts")).quotaRm,
    aliases: ["remove"],
  },
  {
    name: "set",
    summary: "Set how many bytes a name may hold",
    load: async () => (await import("../commands/registry-server/policy.ts")).quotaSet,
  },
];

const retentions: readonly Entry[] = [
  {
    name: "add",
    summary: "Say which tags go by themselves",
    load: async () => (await import("../commands/registry-server/policy.ts")).retentionAdd,
  },
  {
    name: "ls",
    summary: "List the rules",
    load: async () => (await import("../commands/registry-server/policy.ts")).retentionLs,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Remove rules",
    load: async () => (await import("../commands/registry-server/policy.ts")).retentionRm,
    aliases: ["remove"],
  },
  {
    name: "run",
    summary: "Remove now what the rules say",
    load: async () => (await import("../commands/registry-server/policy.ts")).retentionRun,
  },
];

const webhooks: readonly Entry[] = [
  {
    name: "add",
    summary: "Say who is told of what happens",
    load: async () => (await import("../commands/registry-server/webhook.ts")).webhookAdd,
  },
  {
    name: "ls",
    summary: "List webhooks, and what waits for them",
    load: async () => (await import("../commands/registry-server/webhook.ts")).webhookLs,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Remove webhooks",
    load: async () => (await import("../commands/registry-server/webhook.ts")).webhookRm,
    aliases: ["remove"],
  },
];

const upstreams: readonly Entry[] = [
  {
    name: "add",
    summary: "Cache another registry under a prefix",
    load: async () => (await import("../commands/registry-server/upstream.ts")).upstreamAdd,
  },
  {
    name: "ls",
    summary: "List upstreams",
    load: async () => (await import("../commands/registry-server/upstream.ts")).upstreamLs,
    aliases: ["list"],
  },
  {
    name: "rm",
    summary: "Remove upstreams",
    load: async () => (await import("../commands/registry-server/upstream.ts")).upstreamRm,
    aliases: ["remove"],
  },
];

export const registry = group("registry", "Run and manage a registry", own, [
  group("registry immutable", "Manage immutable tags of a registry", immutables),
  group("registry org", "Manage organisations of a registry", orgs),
  group("registry quota", "Manage quotas of a registry", quotas),
  group("registry repo", "Manage repositories of a registry", repos),
  group("registry retention", "Manage what goes by itself in a registry", retentions),
  group("registry robot", "Manage robots of a registry", robots),
  group("registry token", "Manage tokens of a registry", tokens),
  group("registry upstream", "Manage registries that are cached", upstreams),
  group("registry user", "Manage users of a registry", users),
  group("registry webhook", "Manage webhooks of a registry", webhooks),
]);
