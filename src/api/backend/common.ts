// What several verbs share.

/** `filters` of the API, already read from either spelling: key → the wanted values. */
export type Filters = ReadonlyMap<string, ReadonlySet<string>>;

/** One NDJSON line of pull, push, load, import and build. */
export interface ProgressMessage {
  stream?: string;
  status?: string;
  id?: string;
  progress?: string;
  progressDetail?: { current?: number; total?: number; hidecounts?: boolean; units?: string };
  error?: string;
  errorDetail?: { code?: number; message: string };
  aux?: unknown;
}
