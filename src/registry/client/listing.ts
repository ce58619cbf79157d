// Lists of a repository, page by page: its tags, and what refers to a manifest.

import { boundedBytes } from "./bounded-bytes.ts";
import { refusal } from "./errors.ts";
import type { Repository } from "./repository.ts";

const PAGE_LIMIT = 4 * 1024 * 1024;
const TAGS = 100_000;

/** All tags, 100,000 at most. @throws HoyError "not-found" */
export async function listTags(repository: Repository, signal: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  for await (const bytes of listPages(repository, "tags/list", signal)) {
    const body: unknown = JSON.parse(Buffer.from(bytes).toString());
    const tags =
      typeof body === "object" && body !== null && "tags" in body && Array.isArray(body.tags) ? body.tags : [];
    found.push(...tags.filter((tag: unknown) => typeof tag === "string"));
    if (found.length >= TAGS) break;
  }
  return found;
}

/** A list's documents, one a page. @param list "tags/list", "referrers/DIGEST". @throws HoyError "not-found" */
export async function* listPages(
  repository: Repository,
  list: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  for (let path: string | undefined = `/v2/${repository.path}/${list}`; path !== undefined; ) {
    const response: Response = await repository.places.read({ method: "GET", path, signal });
    if (!response.ok) throw await refusal(response, repository.name);
    yield await boundedBytes(response, PAGE_LIMIT, "a list");
    path = nextPage(response.headers.get("link"));
  }
}

/** `</v2/x/tags/list?last=b&n=2>; rel="next"`: a path of the same registry, never another host. */
function nextPage(link: string | null): string | undefined {
  const target = link?.match(/<([^>]+)>\s*;\s*rel="?next"?/)?.[1];
  if (target === undefined) return undefined;
  const url = new URL(target, "http://registry.invalid");
  return `${url.pathname}${url.search}`;
}
