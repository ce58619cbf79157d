// Which names are those of other registries: a prefix here, a remote there. The longest prefix that fits counts; the
// prefix "" is for all names that no other has, as a mirror of one registry needs.

import type { Database } from "bun:sqlite";
import { HoyError } from "../../../base/error.ts";
import { userAgent } from "../../../base/version.ts";
import { CERTS_DIRS } from "../../client/endpoint.ts";
import { Repository } from "../../client/repository.ts";
import { isRepositoryName } from "../names.ts";

export interface Upstream {
  readonly prefix: string;
  /** "docker.io", "quay.io/org", "127.0.0.1:5001/team". */
  readonly remote: string;
  /** ms that a tag is taken to point to what it pointed to. */
  readonly ttl: number;
  /** Certificates are not checked, and http will do. */
  readonly insecure: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

interface Row {
  readonly prefix: string;
  readonly remote: string;
  readonly ttl: number;
  readonly insecure: number;
  readonly username: string | null;
  readonly password: string | null;
}

const HUB = "docker.io";
const ATTEMPTS = 3;
const HOST = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/;

export class Upstreams {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Adds one or changes it. @throws HoyError "invalid" */
  set(upstream: Upstream): void {
    const { prefix, remote, ttl, insecure, username, password } = upstream;
    const slash = remote.indexOf("/");
    const [host, path] = slash < 0 ? [remote, undefined] : [remote.slice(0, slash), remote.slice(slash + 1)];
    if (!HOST.test(host) || (path !== undefined && !isRepositoryName(path)))
      throw new HoyError("invalid", `${JSON.stringify(remote.slice(0, 300))} is no registry, or part of one`);
    if (prefix !== "" && !isRepositoryName(prefix))
      throw new HoyError("invalid", `${JSON.stringify(prefix.slice(0, 300))} can't begin a repository's name`);
    if (!Number.isSafeInteger(ttl) || ttl < 0) throw new HoyError("invalid", "the time to live must not be negative");
    this.#db
      .query(
        `INSERT OR REPLACE INTO upstreams (prefix, remote, ttl, insecure, username, password)
         VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(prefix, remote, ttl, insecure ? 1 : 0, username ?? null, password ?? null);
  }

  /** What was kept stays, as repositories of one's own. */
  remove(prefix: string): boolean {
    return this.#db.query("DELETE FROM upstreams WHERE prefix = ?").run(prefix).changes > 0;
  }

  list(): Upstream[] {
    return this.#db.query<Row, []>("SELECT * FROM upstreams ORDER BY prefix").all().map(upstreamOf);
  }

  /** undefined: the repository is one of our own. */
  of(repository: string): Upstream | undefined {
    const parts = repository.split("/");
    const prefixes = ["", ...parts.slice(0, -1).map((_, at) => parts.slice(0, at + 1).join("/"))];
    const row = this.#db
      .query<Row, [string]>(
        `SELECT * FROM upstreams WHERE prefix IN (SELECT value FROM json_each(?))
         ORDER BY length(prefix) DESC LIMIT 1`,
      )
      .get(JSON.stringify(prefixes));
    return row === null ? undefined : upstreamOf(row);
  }

  /** When a tag was last asked for upstream, ms since the epoch; 0: never. */
  checkedAt(repository: string, tag: string): number {
    return (
      this.#db
        .query<{ at: number }, [string, string]>(
          "SELECT checked_at AS at FROM cached_tags WHERE repository = ? AND tag = ?",
        )
        .get(repository, tag)?.at ?? 0
    );
  }

  checked(repository: string, tag: string, now: number): void {
    this.#db
      .query("INSERT OR REPLACE INTO cached_tags (repository, tag, checked_at) VALUES (?, ?, ?)")
      .run(repository, tag, now);
  }
}

/** The other end of a repository's name. */
export function remoteOf({ prefix, remote, insecure, username, password }: Upstream, repository: string): Repository {
  const rest = prefix === "" ? repository : repository.slice(prefix.length + 1);
  const slash = remote.indexOf("/");
  const domain = slash < 0 ? remote : remote.slice(0, slash);
  const path = slash < 0 ? rest : `${remote.slice(slash + 1)}/${rest}`;
  return new Repository({
    domain,
    path: domain === HUB && !path.includes("/") ? `library/${path}` : path,
    auth: username === undefined ? undefined : { username, password: password ?? "" },
    settings: {
      mirrors: [],
      insecure: insecure ? [domain] : [],
      certsDirs: CERTS_DIRS,
      maxDownloads: 3,
      maxUploads: 1,
      maxDownloadAttempts: ATTEMPTS,
    },
    userAgent,
  });
}

function upstreamOf(row: Row): Upstream {
  return {
    prefix: row.prefix,
    remote: row.remote,
    ttl: row.ttl,
    insecure: row.insecure !== 0,
    username: row.username ?? undefined,
    password: row.password ?? undefined,
  };
}
