// The registry's own API, /api/v1/…: what a web page or a script needs beyond the distribution spec. Answers are JSON;
// errors have the spec's shape. docs/registry.md says what each end-point takes and gives.

import type { Front } from "../address.ts";
import type { Call } from "../call.ts";
import { RegistryError } from "../errors.ts";
import type { Overview } from "../overview.ts";
import type { RateLimit } from "../policy/rate.ts";
import type { Rules } from "../policy/rules.ts";
import { callerOf, type People } from "./caller.ts";
import { members, robots } from "./owners.ts";
import { manifest, repositories, repository, tags } from "./repositories.ts";
import { parseApiRoute } from "./route.ts";
import { addRule, listRules, removeRule } from "./rules.ts";
import { session } from "./session.ts";

export interface Api {
  readonly overview: Overview;
  readonly rules: Rules;
  readonly people: People;
  readonly front: Front;
  readonly limits: { readonly account: RateLimit };
}

export async function api(
  call: Call,
  pathname: string,
  { overview, rules, people, front, limits }: Api,
): Promise<void> {
  const route = parseApiRoute(pathname);
  if (route === undefined) throw new RegistryError(404, "UNSUPPORTED", "there is no such end-point");
  const caller = await callerOf(call.request, people);
  call.who.user = caller.user;
  if (caller.user !== undefined) limits.account.take(caller.user);
  const desk = { overview, people, caller };
  switch (route.kind) {
    case "session":
      return session(call, caller, people, front.secure(call.request));
    case "members":
      return members(call, desk, route.owner, route.which);
    case "robots":
      return robots(call, desk, route.owner, route.which);
    case "rules":
      return listRules(call, rules, caller);
    case "rule":
      if (route.id !== undefined) return removeRule(call, rules, caller, route.rule, route.id);
      return addRule(call, rules, caller, route.rule);
    case "repositories":
      return repositories(call, desk);
    case "repository":
      return repository(call, desk, route.name);
    case "tags":
      return tags(call, desk, route.name);
    case "tag":
      return manifest(call, desk, route.name, route.reference, "tag");
    case "manifest":
      return manifest(call, desk, route.name, route.reference, "digest");
  }
}
