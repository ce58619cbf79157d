// A context by name: one that is kept, or "default", which is made of flags and environment.

import type { Context } from "../../command.ts";
import { type ContextMeta, type ContextTls, DEFAULT_CONTEXT } from "../../config/contexts.ts";
import { contextStore, defaultHost } from "../../session.ts";

export interface FoundContext {
  readonly meta: ContextMeta;
  readonly tls: ContextTls;
}

/** @throws HoyError "not-found" */
export function findContext(context: Context, name: string): FoundContext {
  if (name === DEFAULT_CONTEXT) return { meta: defaultContext(context), tls: {} };
  const store = contextStore(context);
  return { meta: store.get(name), tls: store.tls(name) };
}

export function defaultContext(context: Context): ContextMeta {
  return {
    Name: DEFAULT_CONTEXT,
    Metadata: {},
    Endpoints: { docker: { Host: defaultHost(context), SkipTLSVerify: false } },
  };
}
