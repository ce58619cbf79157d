// Who may do what: the question that the end-points ask before anything else. Answers are in access/.

import type { IncomingMessage } from "node:http";

export type Action = "pull" | "push" | "delete";

export type Need =
  | { readonly kind: "base" }
  | { readonly kind: "catalog" }
  | { readonly kind: "repository"; readonly name: string; readonly action: Action };

/** For the log: who it was; undefined is nobody in particular. */
export interface Identity {
  readonly user: string | undefined;
}

export interface Access {
  /** @throws RegistryError UNAUTHORIZED (401, with a challenge) or DENIED (403). */
  require(request: IncomingMessage, need: Need): Promise<Identity>;
  /** Whether it would be let through; never throws for a refusal. */
  allows(request: IncomingMessage, need: Need): Promise<boolean>;
  /** Of the repositories there are, those that the caller may see; for the catalog. */
  visible(request: IncomingMessage, names: readonly string[]): Promise<readonly string[]>;
}

/** Everybody may do everything: for loopback. */
export const openAccess: Access = {
  require: async () => ({ user: undefined }),
  allows: async () => true,
  visible: async (_request, names) => names,
};
