// Rows of containers and of recent events. A container's row is written before the thing exists and removed after it
// is gone. What never changes and what does are two columns, so that a start or an exit rewrites little.

import type { Database } from "bun:sqlite";
import type { ContainerConfig, Health, HostConfig } from "../api/types/container.ts";
import type { EndpointSettings } from "../api/types/network.ts";
import type { EventMessage } from "../api/types/system.ts";
import { type Migration, withoutSync } from "./database.ts";

export const containerMigrations: readonly Migration[] = [
  {
    name: "containers and events",
    sql: `
      CREATE TABLE containers (
        id    TEXT PRIMARY KEY,
        name  TEXT NOT NULL UNIQUE,
        spec  TEXT NOT NULL,
        state TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE events (
        seq     INTEGER PRIMARY KEY,
        message TEXT NOT NULL
      ) STRICT;
    `,
  },
];

/** How many past events are kept for `events --since`. */
export const EVENTS_KEPT = 1024;

export type ContainerStatus = "created" | "running" | "paused" | "restarting" | "exited" | "removing" | "dead";

/** A range of ids, as in /proc/PID/uid_map. */
export interface IdRangeRecord {
  readonly container: number;
  readonly host: number;
  readonly size: number;
}

/** One mount that the user or the image asked for; /proc, /dev and the like are the runtime's business. */
export interface MountRecord {
  readonly type: "bind" | "volume" | "tmpfs" | "image";
  /** Absolute on the host; a volume's data directory, an image's tree; "" for tmpfs. */
  readonly source: string;
  /** Volume's name; the image as the user named it; "" for others. */
  readonly name: string;
  readonly driver: string;
  readonly destination: string;
  /** The options as typed in `-v`, for inspect. */
  readonly mode: string;
  readonly rw: boolean;
  readonly propagation: string;
  /** Copy what the image has at the destination into the volume while it is empty. */
  readonly copyUp: boolean;
  /** A bind whose missing source is made (`-v`, create-mountpoint); others are an error at start. */
  readonly createSource: boolean;
  readonly recursive: boolean;
  /** Whether mounts below a read-only one are read-only too. */
  readonly readOnlyBelow: "try" | "no" | "force";
  /** Options of a tmpfs, comma separated. */
  readonly options: string;
  /** Path inside the volume or image; "" for the whole. */
  readonly subpath: string;
  /** Id of the image whose files these are; only for the type image. */
  readonly image?: string;
  /** The engine made this volume for this container: `rm -v` takes it along. */
  readonly anonymous: boolean;
}

/** What never changes after create, but for `update` and `rename`. */
export interface ContainerSpec {
  readonly id: string;
  name: string;
  /** RFC 3339 with ns. */
  readonly created: string;
  readonly image: {
    /** As the user typed it; "" when the container was made from no image. */
    readonly ref: string;
    readonly id: string;
    readonly diffIds: readonly string[];
    readonly os: string;
    readonly architecture: string;
  };
  readonly config: ContainerConfig;
  hostConfig: HostConfig;
  endpoints: Record<string, EndpointSettings>;
  readonly mounts: readonly MountRecord[];
  /** Undefined: the host's user namespace. One range a container, for its life. */
  readonly idMap: { readonly uids: readonly IdRangeRecord[]; readonly gids: readonly IdRangeRecord[] } | undefined;
}

/** What changes as the container lives. */
export interface ContainerState {
  status: ContainerStatus;
  /** Of the first process, in the host's numbering; 0 when none runs. */
  pid: number;
  exitCode: number;
  error: string;
  oomKilled: boolean;
  /** RFC 3339 with ns; Go's zero time while it never happened. */
  startedAt: string;
  finishedAt: string;
  restartCount: number;
  /** Stopped by a user: `unless-stopped` keeps it down over a restart of the engine. */
  manuallyStopped: boolean;
  health: Health | undefined;
}

export interface ContainerRecord {
  readonly spec: ContainerSpec;
  readonly state: ContainerState;
}

/** One transaction's worth of changes. */
export interface ContainerChanges {
  readonly put: Iterable<ContainerRecord>;
  /** Only the state column of these; they have a row. */
  readonly states: Iterable<ContainerRecord>;
  readonly removed: Iterable<string>;
  readonly events: readonly EventMessage[];
}

export class ContainerTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  all(): ContainerRecord[] {
    const rows = this.#db.query<{ spec: string; state: string }, []>("SELECT spec, state FROM containers").all();
    return rows.map((row) => ({ spec: JSON.parse(row.spec), state: JSON.parse(row.state) }));
  }

  /** The kept events, oldest first. */
  events(): EventMessage[] {
    const rows = this.#db.query<{ message: string }, []>("SELECT message FROM events ORDER BY seq").all();
    return rows.map((row) => JSON.parse(row.message));
  }

  /** Writes all of it or nothing. `durable`: on return it survives a power cut, else only the end of the engine. */
  write(changes: ContainerChanges, durable: boolean): void {
    if (durable) this.#write(changes);
    else withoutSync(this.#db, () => this.#write(changes));
  }

  #write(changes: ContainerChanges): void {
    const put = this.#db.query(
      `INSERT INTO containers (id, name, spec, state) VALUES ($id, $name, $spec, $state)
       ON CONFLICT (id) DO UPDATE SET name = $name, spec = $spec, state = $state`,
    );
    const state = this.#db.query("UPDATE containers SET state = $state WHERE id = $id");
    const remove = this.#db.query("DELETE FROM containers WHERE id = $id");
    const event = this.#db.query<{ seq: number }, { message: string }>(
      "INSERT INTO events (message) VALUES ($message) RETURNING seq",
    );
    this.#db.transaction(() => {
      for (const id of changes.removed) remove.run({ id });
      for (const record of changes.put) {
        const { id, name } = record.spec;
        put.run({ id, name, spec: JSON.stringify(record.spec), state: JSON.stringify(record.state) });
      }
      for (const record of changes.states) state.run({ id: record.spec.id, state: JSON.stringify(record.state) });
      let last = 0;
      for (const message of changes.events) last = event.get({ message: JSON.stringify(message) })?.seq ?? last;
      if (last > EVENTS_KEPT) {
        this.#db.query("DELETE FROM events WHERE seq <= $oldest").run({ oldest: last - EVENTS_KEPT });
      }
    })();
  }
}
