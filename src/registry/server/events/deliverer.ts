// Sends what waits in the queue: one webhook's deliveries in order, different ones side by side. What fails is tried again,
// later each time, for a day. Receivers are named by admins, but a name may lead anywhere: only public addresses are
// connected to, unless a network is allowed (`allow`), and the address that was checked is the one that is used.

import { createHmac } from "node:crypto";
import { lookup } from "node:dns/promises";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { type BlockList, isIP, type LookupFunction } from "node:net";
import { log } from "../../../base/log.ts";
import { build } from "../../../base/version.ts";
import type { Metrics } from "../metrics.ts";
import { ENVELOPE_TYPE } from "./event.ts";
import { isPublicAddress } from "./public-address.ts";
import type { Delivery, Webhook, Webhooks } from "./webhooks.ts";

const TIMEOUT_MS = 15_000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 60 * 60 * 1000;
const LIFE_MS = 24 * 60 * 60 * 1000;
/** Other processes may add to the queue or take a webhook away. */
const LOOK_EVERY_MS = 30_000;

export class Deliverer {
  readonly #webhooks: Webhooks;
  readonly #allow: BlockList;
  readonly #metrics: Metrics;
  readonly #stop = new AbortController();
  readonly #busy = new Map<number, Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(webhooks: Webhooks, allow: BlockList, metrics: Metrics) {
    this.#webhooks = webhooks;
    this.#allow = allow;
    this.#metrics = metrics;
  }

  /** Something was queued, or may have become due. */
  wake(): void {
    if (this.#stop.signal.aborted) return;
    clearTimeout(this.#timer);
    const due = this.#webhooks.due(Date.now());
    const all = due.length === 0 ? [] : this.#webhooks.list();
    for (const delivery of due) {
      const webhook = all.find(({ id }) => id === delivery.webhook);
      if (webhook === undefined || this.#busy.has(webhook.id)) continue;
      const work = this.#deliver(webhook, delivery)
        .finally(() => this.#busy.delete(webhook.id))
        // Without the books nothing can be crossed out: the timer looks again, not this at once and for ever.
        .then(
          () => this.wake(),
          (error: unknown) => log.error("the queue of webhooks can't be written", { error }),
        );
      this.#busy.set(webhook.id, work);
    }
    const next = this.#webhooks.nextAt() ?? Number.MAX_SAFE_INTEGER;
    const wait = Math.min(LOOK_EVERY_MS, Math.max(250, next - Date.now()));
    this.#timer = setTimeout(() => this.wake(), wait);
    this.#timer.unref();
  }

  /** What is under way is broken off, and will be sent again after the next start. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await Promise.all(this.#busy.values());
  }

  async #deliver(webhook: Webhook, delivery: Delivery): Promise<void> {
    try {
      await this.#send(webhook, delivery);
      this.#webhooks.done(delivery, undefined);
      this.#metrics.add("webhooks_delivered_total");
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#metrics.add("webhooks_failed_total");
      const reason = (error instanceof Error ? error.message : String(error)).slice(0, 500);
      if (Date.now() - delivery.createdAt > LIFE_MS) {
        log.warn("a webhook's delivery is given up", { webhook: webhook.id, reason });
        this.#webhooks.done(delivery, reason);
        return;
      }
      const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(delivery.attempts, 20));
      this.#webhooks.later(delivery, Date.now() + wait, reason);
    }
  }

  async #send(webhook: Webhook, delivery: Delivery): Promise<void> {
    const url = new URL(webhook.url);
    const address = await this.#addressOf(url.hostname.replace(/^\[(.*)\]$/, "$1"));
    const body = Buffer.from(delivery.body);
    const signature = createHmac("sha256", webhook.secret).update(body).digest("hex");
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const status = await new Promise<number>((resolve, reject) => {
      const request = send(url, {
        method: "POST",
        agent: false,
        lookup: to(address),
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]),
        headers: {
          "Content-Type": ENVELOPE_TYPE,
          "Content-Length": body.length,
          "User-Agent": `hoy-registry/${build.version}`,
          "X-Hoy-Delivery": String(delivery.id),
          "X-Hub-Signature-256": `sha256=${signature}`,
        },
      });
      request.on("response", (response) => {
        // What it says is nobody's business; an endless answer ends with the connection.
        response.destroy();
        resolve(response.statusCode ?? 0);
      });
      request.on("error", reject);
      request.end(body);
    });
    // A redirect is not followed: it could lead past the check of the address.
    if (status < 200 || status > 299) throw new Error(`the receiver answered ${status}`);
  }

  async #addressOf(host: string): Promise<string> {
    const found = isIP(host) === 0 ? (await lookup(host, { all: true })).map(({ address }) => address) : [host];
    const right = found.find((address) => isPublicAddress(address) || this.#allowed(address));
    if (right === undefined)
      throw new Error(`${host} is not a public address (allow its network with --webhook-allow)`);
    return right;
  }

  #allowed(address: string): boolean {
    return this.#allow.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  }
}

/** A look-up that has only one answer. */
function to(address: string): LookupFunction {
  const family = isIP(address);
  return (_host, options, done) => {
    if (options.all === true) done(null, [{ address, family }]);
    else done(null, address, family);
  };
}
