// nftables by the library that the `nft` program is made of: one call is one transaction, and no process is started.
// libnftables(3). The caller writes the commands in nft's own language (nft(8)).

import { CString, dlopen, type Pointer } from "bun:ffi";
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import { cstring, SystemError } from "./libc.ts";

const functions = {
  nft_ctx_new: { args: ["u32"], returns: "ptr" },
  nft_ctx_free: { args: ["ptr"], returns: "void" },
  nft_ctx_output_set_flags: { args: ["ptr", "u32"], returns: "void" },
  nft_ctx_buffer_output: { args: ["ptr"], returns: "i32" },
  nft_ctx_buffer_error: { args: ["ptr"], returns: "i32" },
  nft_ctx_get_output_buffer: { args: ["ptr"], returns: "ptr" },
  nft_ctx_get_error_buffer: { args: ["ptr"], returns: "ptr" },
  nft_run_cmd_from_buffer: { args: ["ptr", "ptr"], returns: "i32" },
} as const;

const NFT_CTX_OUTPUT_NUMERIC_ALL = (1 << 5) | (1 << 6) | (1 << 7) | (1 << 8) | (1 << 9);

type Library = ReturnType<typeof dlopen<typeof functions>>["symbols"];

let library: Library | undefined;

/**
 * The library waits for its socket with select(2), which aborts the whole program for a descriptor of 1024 or more
 * (select(2), "FD_SETSIZE"). A daemon that holds thousands of published ports has no low one left: these are kept back,
 * and given to it for the length of a call.
 */
const FD_SETSIZE = 1024;
let keptLow: number[] = [];

/** A command that nftables refused; `message` has its words and the line. */
export class NftablesError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "NftablesError";
  }
}

/** As `Nftables.run`, once, in the calling thread's network namespace. */
export function nft(commands: string): string {
  using once = new Nftables();
  return once.run(commands);
}

/**
 * The nftables of the network namespace in which it was made. For who deletes things again and again: the kernel lets a
 * socket go only when all that was deleted is freed, ten milliseconds later, and this one is kept.
 */
export class Nftables implements Disposable {
  readonly #calls: Library;
  readonly #context: Pointer | bigint;

  /** @throws SystemError ENOENT when libnftables is not installed. */
  constructor() {
    this.#calls = open();
    const context = withLowDescriptors(() => this.#calls.nft_ctx_new(0));
    if (context === null) throw new SystemError(12, "nft_ctx_new");
    this.#context = context;
    this.#calls.nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_NUMERIC_ALL);
  }

  /**
   * Runs commands as one transaction and returns what they print.
   * @throws NftablesError; nothing is changed then.
   */
  run(commands: string): string {
    const calls = this.#calls;
    const context = this.#context;
    // What an earlier call has left in the buffers is dropped.
    calls.nft_ctx_buffer_output(context);
    calls.nft_ctx_buffer_error(context);
    const input = cstring(commands, "nft_run_cmd_from_buffer");
    const failed = withLowDescriptors(() => calls.nft_run_cmd_from_buffer(context, input)) !== 0;
    if (failed)
      throw new NftablesError(text(calls.nft_ctx_get_error_buffer(context)).trim() || "nftables refused the rules");
    return text(calls.nft_ctx_get_output_buffer(context));
  }

  [Symbol.dispose](): void {
    this.#calls.nft_ctx_free(this.#context);
  }
}

function withLowDescriptors<T>(work: () => T): T {
  for (const fd of keptLow) closeSync(fd);
  keptLow = [];
  try {
    const lowest = openSync("/dev/null", "r");
    closeSync(lowest);
    if (lowest >= FD_SETSIZE - 8)
      throw new SystemError(constants.errno.EMFILE, "nft", undefined, "too many open files");
    return work();
  } finally {
    keptLow = Array.from({ length: 4 }, () => openSync("/dev/null", "r"));
  }
}

function open(): Library {
  if (library !== undefined) return library;
  try {
    library = dlopen("libnftables.so.1", functions).symbols;
    return library;
  } catch {
    throw new SystemError(2, "dlopen", "libnftables.so.1", "install the package nftables");
  }
}

function text(pointer: Pointer | bigint | null): string {
  return pointer === null ? "" : new CString(Number(pointer) as Pointer).toString();
}
