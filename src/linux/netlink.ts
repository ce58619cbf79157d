// A netlink socket: a request or several in one, their answers, one thread, no waiting (the kernel answers while it sends).
// It stays in the network namespace in which it was made. netlink(7); errors carry the kernel's own words (extended ack).

import { closeSync } from "node:fs";
import { check, I64, libc, SystemError } from "./libc.ts";
import { attributes, concat, type Message, message, messages, textOf } from "./netlink-message.ts";

export const NLM_F = {
  REQUEST: 1,
  ACK: 4,
  ROOT: 0x100,
  MATCH: 0x200,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
} as const;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const MSG_DONTWAIT = 0x40;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
/** What all published ports of a host take at once, and more. */
const SEND_BUFFER = 16 * 1024 * 1024;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_MULTI = 2;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
/** A socket's send buffer holds so much by default (net.core.wmem_default), with room for the kernel's own account of it. */
const ORDINARY = 64 * 1024;
/** One for all sockets: a request and its answers are one piece of synchronous work. */
const buffer = new Uint8Array(256 * 1024);

const calls = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  send: { args: ["i32", "ptr", I64, "i32"], returns: I64 },
  recv: { args: ["i32", "ptr", I64, "i32"], returns: I64 },
});

/** netlink(7): NETLINK_ROUTE, NETLINK_NETFILTER. */
export const PROTOCOL = { ROUTE: 0, NETFILTER: 12 } as const;

export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly parts: readonly Uint8Array[];
}

export class Netlink implements Disposable {
  readonly #fd: number;
  #sequence = 0;

  /** A socket in the calling thread's network namespace. */
  constructor(protocol: (typeof PROTOCOL)[keyof typeof PROTOCOL] = PROTOCOL.ROUTE) {
    this.#fd = check(calls().socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol), "socket", "netlink");
    const on = Int32Array.of(1);
    // Without these an error's answer repeats the whole request and has no text.
    calls().setsockopt(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, on, 4);
    calls().setsockopt(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, on, 4);
  }

  /**
   * Sends one request and returns its answers (for a dump, all of them). `what` names it in errors.
   * @throws SystemError with the kernel's errno and text.
   */
  request(what: string, type: number, flags: number, parts: readonly Uint8Array[]): Message[] {
    const sequence = ++this.#sequence;
    const dump = (flags & NLM_F.DUMP) === NLM_F.DUMP;
    const bytes = message({ type, flags: flags | NLM_F.REQUEST | (dump ? 0 : NLM_F.ACK), sequence }, parts);
    check(calls().send(this.#fd, bytes, bytes.length, 0), "send", what);
    const answers: Message[] = [];
    for (;;) {
      const length = check(calls().recv(this.#fd, buffer, buffer.length, 0), "recv", what);
      for (const answer of messages(buffer.slice(0, length))) {
        if (answer.sequence !== sequence) continue; // the rest of an answer that an error cut short
        if (answer.type === NLMSG_DONE) return answers;
        if (answer.type === NLMSG_ERROR) {
          throwUnlessAck(answer, what);
          return answers;
        }
        answers.push(answer);
        if (dump && (answer.flags & NLM_F_MULTI) === 0) return answers;
      }
    }
  }

  /**
   * Sends several requests at once; with rtnetlink each is done for itself, in their order, also after one that failed.
   * Those whose flags have no ACK (all but the last of a transaction) are answered by nothing when all is well: hundreds of
   * answers would not fit into what a socket holds.
   * @throws SystemError of the first that failed.
   */
  batch(what: string, requests: readonly Request[]): void {
    if (requests.length === 0) return;
    const first = this.#sequence + 1;
    const waiting = new Set<number>();
    const all = requests.map(({ type, flags, parts }) => {
      const sequence = ++this.#sequence;
      if ((flags & NLM_F.ACK) !== 0) waiting.add(sequence);
      return message({ type, flags: flags | NLM_F.REQUEST, sequence }, parts);
    });
    const bytes = concat(all);
    if (bytes.length > ORDINARY)
      calls().setsockopt(this.#fd, SOL_SOCKET, SO_SNDBUFFORCE, Int32Array.of(SEND_BUFFER), 4);
    check(calls().send(this.#fd, bytes, bytes.length, 0), "send", what);
    let failed: unknown;
    while (waiting.size > 0) {
      const length = check(calls().recv(this.#fd, buffer, buffer.length, MSG_DONTWAIT), "recv", what);
      for (const answer of messages(buffer.slice(0, length))) {
        if (answer.sequence < first || answer.type !== NLMSG_ERROR) continue;
        try {
          throwUnlessAck(answer, what);
        } catch (error) {
          failed ??= error;
          if (!waiting.has(answer.sequence)) throw error; // what comes after it is not waited for, and skipped later
        }
        waiting.delete(answer.sequence);
      }
    }
    if (failed !== undefined) throw failed;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** struct nlmsgerr: errno (negative, 0 is success), the request's header (capped), then attributes. */
function throwUnlessAck(answer: Message, what: string): void {
  const view = new DataView(answer.payload.buffer, answer.payload.byteOffset, answer.payload.byteLength);
  const errno = -view.getInt32(0, true);
  if (errno === 0) return;
  const hasText = (answer.flags & NLM_F_ACK_TLVS) !== 0 && (answer.flags & NLM_F_CAPPED) !== 0;
  const text = hasText ? textOf(attributes(answer.payload.subarray(20)).get(NLMSGERR_ATTR_MSG)) : "";
  throw new SystemError(errno, "netlink", what, text);
}
