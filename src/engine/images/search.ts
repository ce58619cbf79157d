// GET /images/search: a term is looked up at the Hub, or at the registry that is named before it. What the filters ask
// for is chosen here: the index knows only words.

import type { Filters, RegistryAuth } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { RegistrySettings } from "../../base/settings.ts";
import { userAgent } from "../../base/version.ts";
import { type SearchHit, searchIndex } from "../../registry/client/search.ts";
import { booleanFilter, checkFilters } from "../filters.ts";

export interface SearchImagesOptions {
  readonly limit: number | undefined;
  readonly filters: Filters;
  readonly auth: RegistryAuth | undefined;
}

/** As GET /images/search has it (moby, api/types/registry). `is_automated` is always false since the Hub gave it up. */
export type SearchResult = SearchHit & { readonly is_automated: boolean };

const HUB_INDEX = "index.docker.io";
const DEFAULT_LIMIT = 25;
const LARGEST_LIMIT = 100;
const TERM_LIMIT = 1024;
const HOST_RE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?|\[[0-9A-Fa-f:]{2,39}\])(?::[0-9]{1,5})?$/;

/** @throws HoyError "invalid" for terms, limits and filters that can't be; else as `searchIndex`. */
export async function searchImages(
  settings: RegistrySettings,
  term: string,
  { limit, filters, auth }: SearchImagesOptions,
  signal: AbortSignal,
): Promise<SearchResult[]> {
  const keep = chosenBy(filters);
  const bounded = checkLimit(limit);
  const wanted = splitTerm(term);
  // What no result can be any more need not be asked for.
  if (booleanFilter(filters, "is-automated") === true) return [];
  const hits = await searchIndex({ ...wanted, limit: bounded, auth, settings, userAgent }, signal);
  return hits.filter(keep).map((hit) => ({ ...hit, is_automated: false }));
}

function chosenBy(filters: Filters): (hit: SearchHit) => boolean {
  checkFilters(filters, ["is-automated", "is-official", "stars"]);
  const official = booleanFilter(filters, "is-official");
  const stars = Math.max(0, ...[...(filters.get("stars") ?? [])].map(starsOf));
  return (hit) => (official === undefined || hit.is_official === official) && hit.star_count >= stars;
}

function starsOf(text: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) throw new HoyError("invalid", `invalid filter 'stars=${text.slice(0, 100)}'`);
  return Number(text);
}

function checkLimit(limit: number | undefined): number {
  const number = limit || DEFAULT_LIMIT;
  if (number >= 1 && number <= LARGEST_LIMIT) return number;
  throw new HoyError("invalid", `limit ${number} is outside the range of [1, ${LARGEST_LIMIT}]`);
}

/** "busybox", "library/busybox" and "docker.io/busybox" are the Hub's; "registry.example/app" is not. */
function splitTerm(text: string): { readonly host: string; readonly term: string } {
  if (/^https?:\/\//.test(text)) {
    const words = `invalid repository name: repository name (${text.slice(0, 200)}) should not have a scheme`;
    throw new HoyError("invalid", words);
  }
  if (text === "" || text.length > TERM_LIMIT) {
    throw new HoyError("invalid", text === "" ? "no term to search for was given" : "the term is too long");
  }
  const slash = text.indexOf("/");
  const head = slash < 0 ? "" : text.slice(0, slash);
  const named = /[.:]/.test(head) || head === "localhost";
  const term = named ? text.slice(slash + 1) : text;
  if (!named || head === "docker.io" || head === HUB_INDEX) {
    return { host: HUB_INDEX, term: term.replace(/^library\//, "") };
  }
  if (!HOST_RE.test(head)) throw new HoyError("invalid", `invalid index name (${head.slice(0, 200)})`);
  return { host: head, term };
}
