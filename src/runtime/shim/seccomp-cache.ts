// Compiled seccomp filters, kept for the next container with the same profile. Compiling Docker's profile takes
// libseccomp 10 ms, a third of a container's start. crun leaves the compiled filter in its record (seccomp.bpf), and
// takes one ready-made in the annotation run.oci.seccomp_bpf_data, base64 (crun(1)). Other runtimes compile as ever.
//
// In memory only: a new daemon, which may come with a new kernel, crun or libseccomp, compiles anew.

import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { makeRoom } from "../../base/bounded.ts";
import { isErrno } from "../../linux/libc.ts";
import type { OciRuntime } from "../contract.ts";
import type { OciSpec } from "../oci.ts";

const ANNOTATION = "run.oci.seccomp_bpf_data";
/** A filter is some kilobytes; profiles differ by the capabilities of their containers. */
const KEPT = 64;
/** struct sock_filter is 8 bytes, and the kernel takes 4,096 of them (BPF_MAXINSNS). */
const MAX_FILTER = 8 * 4096;

export class SeccompCache {
  readonly #filters = new Map<string, string>();

  /** The spec with its filter ready-made, where one is kept. A user's own annotation is left alone. */
  apply(spec: OciSpec, runtime: OciRuntime): OciSpec {
    const filter = this.#filters.get(keyOf(spec, runtime) ?? "");
    if (filter === undefined || spec.annotations?.[ANNOTATION] !== undefined) return spec;
    return { ...spec, annotations: { ...spec.annotations, [ANNOTATION]: filter } };
  }

  /** After a start: keeps what the runtime compiled. `record` is the runtime's directory for the container. */
  learn(spec: OciSpec, runtime: OciRuntime, record: string): void {
    const key = keyOf(spec, runtime);
    if (key === undefined || this.#filters.has(key)) return;
    const filter = readFilter(join(record, "seccomp.bpf"));
    if (filter === undefined) return;
    makeRoom(this.#filters, KEPT);
    this.#filters.set(key, filter.toString("base64"));
  }
}

function keyOf(spec: OciSpec, runtime: OciRuntime): string | undefined {
  const { seccomp } = spec.linux;
  if (seccomp === undefined || basename(runtime.path) !== "crun") return undefined;
  const { mtimeMs, size } = statSync(runtime.path);
  return createHash("sha256")
    .update(JSON.stringify([runtime, mtimeMs, size, seccomp]))
    .digest("hex");
}

/** A container that has ended already may have taken its record with it. */
function readFilter(path: string): Buffer | undefined {
  try {
    const filter = readFileSync(path);
    return filter.length > 0 && filter.length <= MAX_FILTER && filter.length % 8 === 0 ? filter : undefined;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
