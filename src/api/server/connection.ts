// One accepted connection: the requests it is serving, and its time limits between them (slow loris). A head that has
// begun must be whole in time, and a connection that says nothing is closed. While a request is served nothing is
// limited: streams and uploads take long. node:http's own headersTimeout does not cover connections that are handed to
// it, so the bytes are watched here.

import type { Socket } from "node:net";

export interface Timeouts {
  /** Milliseconds from a head's first byte to its last. */
  readonly headTimeout: number;
  /** Milliseconds without a request. */
  readonly idleTimeout: number;
}

export class Connection {
  /** Over a network: not a unix socket. */
  readonly remote: boolean;
  readonly #socket: Socket;
  readonly #timeouts: Timeouts;
  readonly #requests = new Set<AbortController>();
  #timer: NodeJS.Timeout | undefined;
  #inHead = false;
  #endless = false;
  #timed = true;

  constructor(socket: Socket, remote: boolean, timeouts: Timeouts) {
    this.#socket = socket;
    this.remote = remote;
    this.#timeouts = timeouts;
    socket.once("close", () => {
      this.stopTiming();
      for (const request of this.#requests) request.abort();
    });
    socket.once("data", () => this.#headBegan());
    this.#arm(timeouts.idleTimeout);
  }

  /** From here on bytes between requests are heads. Called once the parser listens, so that it sees them first. */
  parserListens(): void {
    this.#socket.on("data", () => {
      if (this.#requests.size === 0) this.#headBegan();
    });
  }

  /** A request's head is whole. What is returned is aborted when the connection closes before the request ends. */
  requestBegan(): AbortController {
    const request = new AbortController();
    this.#requests.add(request);
    this.#inHead = false;
    clearTimeout(this.#timer);
    return request;
  }

  requestEnded(request: AbortController): void {
    this.#requests.delete(request);
    this.#endless = false;
    if (this.#requests.size === 0 && !this.#inHead) this.#arm(this.#timeouts.idleTimeout);
  }

  /** What is being answered has no end of its own. */
  setEndless(): void {
    this.#endless = true;
  }

  /** No limits any more: it was taken over, or speaks another protocol. */
  stopTiming(): void {
    this.#timed = false;
    clearTimeout(this.#timer);
  }

  /** True while nothing is being served that would end by itself. */
  get mayCut(): boolean {
    return this.#requests.size === 0 || this.#endless || !this.#timed;
  }

  #headBegan(): void {
    if (this.#inHead) return;
    this.#inHead = true;
    this.#arm(this.#timeouts.headTimeout);
  }

  #arm(timeout: number): void {
    clearTimeout(this.#timer);
    if (!this.#timed) return;
    this.#timer = setTimeout(() => this.#socket.destroy(), timeout);
    this.#timer.unref();
  }
}
