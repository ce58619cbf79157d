// Time limits of a connection between requests (slow loris): a head that has begun must be whole in time, and a
// connection that says nothing is closed. While a request is served nothing is limited: streams and uploads take long.
// node:http's own headersTimeout does not cover connections that are handed to it, so the bytes are watched here.

import type { Socket } from "node:net";

export class HeadWatch {
  readonly #socket: Socket;
  readonly #headTimeout: number;
  readonly #idleTimeout: number;
  #timer: NodeJS.Timeout | undefined;
  #requests = 0;
  #stopped = false;
  #inHead = false;
  #endless = false;

  constructor(socket: Socket, headTimeout: number, idleTimeout: number) {
    this.#socket = socket;
    this.#headTimeout = headTimeout;
    this.#idleTimeout = idleTimeout;
    socket.once("close", () => this.stop());
    socket.once("data", () => this.#headBegan());
    this.#arm(idleTimeout);
  }

  /** True while nothing is being served that would end by itself. */
  get mayCut(): boolean {
    return this.#requests === 0 || this.#endless || this.#stopped;
  }

  setEndless(): void {
    this.#endless = true;
  }

  /** From here on bytes between requests are heads. Called once the parser listens, so that it sees them first. */
  start(): void {
    this.#socket.on("data", () => {
      if (this.#requests === 0) this.#headBegan();
    });
  }

  requestBegan(): void {
    this.#requests += 1;
    this.#inHead = false;
    clearTimeout(this.#timer);
  }

  requestEnded(): void {
    this.#requests -= 1;
    this.#endless = false;
    if (this.#requests === 0 && !this.#inHead) this.#arm(this.#idleTimeout);
  }

  /** No limits any more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #headBegan(): void {
    if (this.#inHead) return;
    this.#inHead = true;
    this.#arm(this.#headTimeout);
  }

  #arm(timeout: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.#socket.destroy(), timeout);
    this.#timer.unref();
  }
}
