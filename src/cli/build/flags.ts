// The flags of `build`: buildx's and the classic builder's, and those that only hoy has.

import { UsageError } from "../base/errors.ts";
import { flag } from "../flag.ts";
import type { Flags, Values } from "../flags.ts";
import type { CliIo } from "../io.ts";
import { checkExtraHost } from "../run/network.ts";
import { ulimitFlag } from "../run/ulimit-flag.ts";
import { PROGRESS_MODES } from "./progress/modes.ts";

const KINDS = ["VOLUME", "EXPOSE", "ENV", "LABEL"];

export function buildFlags(io: CliIo) {
  return {
    "add-host": flag.list("Add a custom host-to-IP mapping (host:ip)", { check: checkExtraHost }),
    allow: flag.strings("Allow extra privileged entitlement (network.host, security.insecure)"),
    annotation: flag.list("Add annotation to the image"),
    attest: flag.list("Attestation parameters (type=sbom,generator=image)"),
    "build-arg": flag.list("Set build-time variables"),
    "build-context": flag.list("Additional build contexts (name=path)"),
    "cache-from": flag.list("External cache sources (user/app:cache, type=local,src=path/to/dir)"),
    "cache-to": flag.list("Cache export destinations (user/app:cache, type=local,dest=path/to/dir)"),
    "cgroup-parent": flag.string("Set the parent cgroup for the RUN instructions during build"),
    check: flag.bool("Check the Dockerfile by the lint rules and build nothing"),
    "cpu-period": flag.int("Limit the CPU CFS (Completely Fair Scheduler) period"),
    "cpu-quota": flag.int("Limit the CPU CFS (Completely Fair Scheduler) quota"),
    "cpu-shares": flag.int("CPU shares (relative weight)", { short: "c" }),
    "cpuset-cpus": flag.string("CPUs in which to allow execution (0-3, 0,1)"),
    "cpuset-mems": flag.string("MEMs in which to allow execution (0-3, 0,1)"),
    debug: flag.bool("After a step that fails, open a shell in what it left (on a terminal)"),
    explain: flag.bool("Say of each step that is built why it was not in the cache"),
    file: flag.string('Name of the Dockerfile (Default is "PATH/Dockerfile")', { short: "f" }),
    "force-rm": flag.bool("Always remove intermediate containers"),
    iidfile: flag.string("Write the image ID to the file"),
    label: flag.list("Set metadata for an image"),
    load: flag.bool("Keep the image here (shorthand for --output=type=docker)"),
    memory: flag.bytes("Memory limit", { short: "m" }),
    "memory-swap": flag.bytes('Swap limit equal to memory plus swap: "-1" to enable unlimited swap'),
    "metadata-file": flag.string("Write build result metadata to a file"),
    network: flag.string("Set the networking mode for the RUN instructions during build", { initial: "default" }),
    "no-cache": flag.bool("Do not use cache when building the image"),
    "no-cache-filter": flag.strings("Do not cache specified stages"),
    output: flag.list("Output destination (type=local,dest=path)", { short: "o" }),
    platform: flag.strings("Set target platform for build", {
      initial: (io.env.DOCKER_DEFAULT_PLATFORM ?? "").split(",").filter((each) => each !== ""),
    }),
    progress: flag.checked("string", `Type of progress output (${PROGRESS_MODES.join(", ")})`, checkProgress, {
      initial: io.env.BUILDKIT_PROGRESS || "auto",
    }),
    provenance: flag.string("Shorthand for --attest=type=provenance"),
    pull: flag.bool("Always attempt to pull a newer version of the image"),
    push: flag.bool("Push the image to its registry (shorthand for --output=type=registry)"),
    quiet: flag.bool("Suppress the build output and print image ID on success", { short: "q" }),
    rm: flag.bool("Remove intermediate containers after a successful build", { initial: true }),
    sbom: flag.string("Shorthand for --attest=type=sbom"),
    secret: flag.list("Secret to expose to the build (id=mysecret,src=/local/secret)"),
    "shm-size": flag.bytes('Size of "/dev/shm"'),
    squash: flag.bool("Squash newly built layers into a single new layer"),
    ssh: flag.list("SSH agent socket or keys to expose to the build (default|<id>[=<socket>|<key>[,<key>]])"),
    tag: flag.list('Name and optionally a tag in the "name:tag" format', { short: "t" }),
    target: flag.string("Set the target build stage to build"),
    ulimit: ulimitFlag(),
    unset: flag.list("Drop what the base image brings: VOLUME, EXPOSE, ENV or LABEL, of one name or all", {
      check: checkUnset,
    }),
  } satisfies Flags;
}

export type BuildFlags = Values<ReturnType<typeof buildFlags>>;

function checkProgress(text: string): string {
  if (PROGRESS_MODES.some((mode) => mode === text)) return text;
  throw new UsageError(`invalid progress ${JSON.stringify(text)}: one of ${PROGRESS_MODES.join(", ")}`);
}

/** "VOLUME", or "VOLUME /data". */
function checkUnset(text: string): string {
  const [kind = "", ...more] = text.trim().split(/\s+/);
  if (!KINDS.includes(kind.toUpperCase())) {
    throw new UsageError(
      `invalid unset ${JSON.stringify(text)}: one of ${KINDS.join(", ")}, and a name where only one goes`,
    );
  }
  return [kind.toUpperCase(), ...more].join(" ");
}
