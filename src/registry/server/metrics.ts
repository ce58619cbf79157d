// Counters of the server in Prometheus' text format (version 0.0.4). No name of a repository or user is in them: whoever
// may read them learns how much, not what.

import type { Overview } from "./overview.ts";

/** Upper bounds in seconds. */
const BUCKETS = [0.005, 0.025, 0.1, 0.5, 2.5, 10, 60];

interface Histogram {
  readonly counts: number[];
  sum: number;
  count: number;
}

export class Metrics {
  readonly #requests = new Map<string, number>();
  readonly #durations = new Map<string, Histogram>();
  readonly #counters = new Map<string, number>();
  #running = 0;

  /** @returns what to call at its end. */
  begin(): (method: string, kind: string, status: number) => void {
    const start = performance.now();
    this.#running++;
    return (method, kind, status) => {
      this.#running--;
      const known = METHODS.includes(method) ? method : "other";
      count(this.#requests, `method="${known}",endpoint="${kind}",status="${status}"`, 1);
      this.#observe(kind, (performance.now() - start) / 1000);
    };
  }

  add(name: Counter, value = 1): void {
    count(this.#counters, name, value);
  }

  /** @param books Counts of what is kept, asked now. */
  text(books: Overview): string {
    const kept = books.totals();
    const lines = [
      ...family("requests_total", "counter", "Requests by end-point.", this.#requests),
      ...this.#histograms(),
      ...single("requests_running", "gauge", "Requests under way.", this.#running),
      ...COUNTERS.flatMap(([name, help]) => single(name, "counter", help, this.#counters.get(name) ?? 0)),
      ...single("repositories", "gauge", "Repositories.", kept.repositories),
      ...single("manifests", "gauge", "Manifests.", kept.manifests),
      ...single("tags", "gauge", "Tags.", kept.tags),
      ...single("blobs", "gauge", "Blobs, each once.", kept.blobs),
      ...single("blob_bytes", "gauge", "Bytes of all blobs, each once.", kept.bytes),
      ...single("uploads_open", "gauge", "Uploads that are not whole yet.", kept.uploads),
      ...single("webhook_queue", "gauge", "Notifications not yet delivered.", kept.deliveries),
      "# TYPE process_resident_memory_bytes gauge",
      `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
      "# TYPE process_cpu_seconds_total counter",
      `process_cpu_seconds_total ${(process.cpuUsage().user + process.cpuUsage().system) / 1e6}`,
      "# TYPE process_start_time_seconds gauge",
      `process_start_time_seconds ${Math.floor(Date.now() / 1000 - process.uptime())}`,
    ];
    return `${lines.join("\n")}\n`;
  }

  #observe(kind: string, seconds: number): void {
    const known = this.#durations.get(kind) ?? { counts: BUCKETS.map(() => 0), sum: 0, count: 0 };
    for (const [at, bound] of BUCKETS.entries()) if (seconds <= bound) known.counts[at] = (known.counts[at] ?? 0) + 1;
    known.sum += seconds;
    known.count++;
    this.#durations.set(kind, known);
  }

  #histograms(): string[] {
    const name = "hoy_registry_request_seconds";
    const lines = [`# HELP ${name} How long requests took.`, `# TYPE ${name} histogram`];
    for (const [kind, { counts, sum, count: total }] of this.#durations) {
      for (const [at, bound] of BUCKETS.entries())
        lines.push(`${name}_bucket{endpoint="${kind}",le="${bound}"} ${counts[at] ?? 0}`);
      lines.push(`${name}_bucket{endpoint="${kind}",le="+Inf"} ${total}`);
      lines.push(`${name}_sum{endpoint="${kind}"} ${sum}`, `${name}_count{endpoint="${kind}"} ${total}`);
    }
    return lines;
  }
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

const COUNTERS = [
  ["received_bytes_total", "Bytes of blobs received."],
  ["sent_bytes_total", "Bytes of blobs sent."],
  ["refused_total", "Requests refused with 401, 403 or 429."],
  ["collected_blobs_total", "Blobs freed by collections."],
  ["collected_bytes_total", "Bytes freed by collections."],
  ["webhooks_delivered_total", "Notifications delivered."],
  ["webhooks_failed_total", "Attempts at delivery that failed."],
] as const;

export type Counter = (typeof COUNTERS)[number][0];

function count(map: Map<string, number>, key: string, value: number): void {
  map.set(key, (map.get(key) ?? 0) + value);
}

function family(name: string, type: string, help: string, values: ReadonlyMap<string, number>): string[] {
  const full = `hoy_registry_${name}`;
  const lines = [...values].map(([labels, value]) => `${full}{${labels}} ${value}`);
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, ...lines];
}

function single(name: string, type: string, help: string, value: number): string[] {
  const full = `hoy_registry_${name}`;
  return [`# HELP ${full} ${help}`, `# TYPE ${full} ${type}`, `${full} ${value}`];
}
