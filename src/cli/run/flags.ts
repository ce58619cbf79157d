// The flags of `run` and `create` that describe the container, all of docker's, in its order of help.

import type { DeviceRequest, Mount } from "../../api/types/container.ts";
import { contentTrustFlag } from "../base/content-trust.ts";
import { UsageError } from "../base/errors.ts";
import { flag } from "../flag.ts";
import { parseBytes } from "../format/units.ts";
import { checkDeviceCgroupRule, parseGpuRequest } from "./devices.ts";
import { checkEnv, checkLabel } from "./environment.ts";
import { parseBpsDevice, parseCpus, parseIopsDevice, parseWeightDevice } from "./limits.ts";
import { parseMount } from "./mount.ts";
import { netRateFlag } from "./net-rate.ts";
import {
  type Attachment,
  checkAddress,
  checkExtraHost,
  checkLink,
  checkSearchDomain,
  parseAttachment,
} from "./network.ts";
import { ulimitFlag } from "./ulimit-flag.ts";

const listOf = <T>(parse: (text: string) => T, help: string) =>
  flag.custom<readonly T[]>("list", help, [], (text, before) => [...before, parse(text)]);

const cpus = flag.custom("decimal", "Number of CPUs", 0, parseCpus);

const memorySwap = flag.custom(
  "bytes",
  "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
  0,
  (text) => (text === "-1" ? -1 : parseBytes(text)),
);

const network = flag.custom<readonly Attachment[]>(
  "network",
  "Connect a container to a network",
  [],
  (text, before) => [...before, parseAttachment(text)],
);

const aliases = flag.list("Add network-scoped alias for the container");
const dnsOptions = flag.list("Set DNS options");

/** Limits that `update` can change as well. */
export const limitFlags = {
  "blkio-weight": flag.uint("Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)", {
    bits: 16,
  }),
  "cpu-period": flag.int("Limit CPU CFS (Completely Fair Scheduler) period"),
  "cpu-quota": flag.int("Limit CPU CFS (Completely Fair Scheduler) quota"),
  "cpu-rt-period": flag.int("Limit CPU real-time period in microseconds"),
  "cpu-rt-runtime": flag.int("Limit CPU real-time runtime in microseconds"),
  "cpu-shares": flag.int("CPU shares (relative weight)", { short: "c" }),
  cpus,
  "cpuset-cpus": flag.string("CPUs in which to allow execution (0-3, 0,1)"),
  "cpuset-mems": flag.string("MEMs in which to allow execution (0-3, 0,1)"),
  memory: flag.bytes("Memory limit", { short: "m" }),
  "memory-reservation": flag.bytes("Memory soft limit"),
  "memory-swap": memorySwap,
  "pids-limit": flag.int("Tune container pids limit (set -1 for unlimited)"),
  restart: flag.string("Restart policy to apply when a container exits"),
};

/** `cwd` and `environment` are the client's: relative sources and `-e NAME` are taken from there. */
export function containerFlags(cwd: string, environment: Readonly<Record<string, string | undefined>>) {
  return {
    "add-host": flag.list("Add a custom host-to-IP mapping (host:ip)", { check: checkExtraHost }),
    annotation: flag.map("Add an annotation to the container (passed through to the OCI runtime)"),
    attach: flag.list("Attach to STDIN, STDOUT or STDERR", { short: "a", check: checkAttach }),
    "blkio-weight-device": listOf(parseWeightDevice, "Block IO weight (relative device weight)"),
    "cap-add": flag.list("Add Linux capabilities"),
    "cap-drop": flag.list("Drop Linux capabilities"),
    "cgroup-parent": flag.string("Optional parent cgroup for the container"),
    cgroupns: flag.string(
      "Cgroup namespace to use (host|private)\n'host':    Run the container in the host's cgroup namespace\n'private': Run the container in its own private cgroup namespace\n'':        Use the engine's default (default-cgroupns-mode)",
    ),
    cidfile: flag.string("Write the container ID to the file"),
    "cpu-count": flag.int("CPU count (Windows only)", { hidden: true }),
    "cpu-percent": flag.int("CPU percent (Windows only)", { hidden: true }),
    device: flag.list("Add a host device to the container"),
    "device-cgroup-rule": flag.list("Add a rule to the cgroup allowed devices list", { check: checkDeviceCgroupRule }),
    "device-read-bps": listOf(parseBpsDevice, "Limit read rate (bytes per second) from a device"),
    "device-read-iops": listOf(parseIopsDevice, "Limit read rate (IO per second) from a device"),
    "device-write-bps": listOf(parseBpsDevice, "Limit write rate (bytes per second) to a device"),
    "device-write-iops": listOf(parseIopsDevice, "Limit write rate (IO per second) to a device"),
    "disable-content-trust": contentTrustFlag("Skip image verification", environment),
    dns: flag.list("Set custom DNS servers", { check: checkAddress }),
    "dns-opt": flag.alias("dns-option", dnsOptions),
    "dns-option": dnsOptions,
    "dns-search": flag.list("Set custom DNS search domains", { check: checkSearchDomain }),
    domainname: flag.string("Container NIS domain name"),
    entrypoint: flag.string("Overwrite the default ENTRYPOINT of the image"),
    env: flag.list("Set environment variables", { short: "e", check: (text) => checkEnv(text, environment) }),
    "env-file": flag.list("Read in a file of environment variables"),
    expose: flag.list("Expose a port or a range of ports"),
    gpus: flag.custom<readonly DeviceRequest[]>(
      "gpu-request",
      "GPU devices to add to the container ('all' to pass all GPUs)",
      [],
      (text, before) => [...before, parseGpuRequest(text)],
    ),
    "group-add": flag.list("Add additional groups to join"),
    "health-cmd": flag.string("Command to run to check health"),
    "health-interval": flag.duration("Time between running the check (ms|s|m|h) (default 0s)"),
    "health-retries": flag.int("Consecutive failures needed to report unhealthy"),
    "health-start-interval": flag.duration(
      "Time between running the check during the start period (ms|s|m|h) (default 0s)",
    ),
    "health-start-period": flag.duration(
      "Start period for the container to initialize before starting health-retries countdown (ms|s|m|h) (default 0s)",
    ),
    "health-timeout": flag.duration("Maximum time to allow one check to run (ms|s|m|h) (default 0s)"),
    hostname: flag.string("Container host name", { short: "h" }),
    init: flag.bool("Run an init inside the container that forwards signals and reaps processes"),
    interactive: flag.bool("Keep STDIN open even if not attached", { short: "i" }),
    "io-maxbandwidth": flag.bytes("Maximum IO bandwidth limit for the system drive (Windows only)", { hidden: true }),
    "io-maxiops": flag.uint("Maximum IOps limit for the system drive (Windows only)", { hidden: true }),
    ip: flag.string("IPv4 address (e.g., 172.30.100.104)"),
    ip6: flag.string("IPv6 address (e.g., 2001:db8::33)"),
    ipc: flag.string("IPC mode to use"),
    isolation: flag.string("Container isolation technology"),
    "kernel-memory": flag.bytes("Kernel memory limit", { hidden: true }),
    label: flag.list("Set meta data on a container", { short: "l", check: checkLabel }),
    "label-file": flag.list("Read in a line delimited file of labels"),
    link: flag.list("Add link to another container", { check: checkLink }),
    "link-local-ip": flag.list("Container IPv4/IPv6 link-local addresses"),
    "log-driver": flag.string("Logging driver for the container"),
    "log-opt": flag.list("Log driver options"),
    "mac-address": flag.string("Container MAC address (e.g., 92:d0:c6:0a:29:33)"),
    "memory-swappiness": flag.int("Tune container memory swappiness (0 to 100)", { initial: -1, shown: "-1" }),
    mount: flag.custom<readonly Mount[]>("mount", "Attach a filesystem mount to the container", [], (text, before) => [
      ...before,
      parseMount(text, cwd),
    ]),
    name: flag.string("Assign a name to the container"),
    net: flag.alias("network", network),
    "net-rate": netRateFlag(),
    "net-alias": flag.alias("network-alias", aliases),
    network,
    "network-alias": aliases,
    "no-healthcheck": flag.bool("Disable any container-specified HEALTHCHECK"),
    "oom-kill-disable": flag.bool("Disable OOM Killer"),
    "oom-score-adj": flag.int("Tune host's OOM preferences (-1000 to 1000)"),
    pid: flag.string("PID namespace to use"),
    platform: flag.string("Set platform if server is multi-platform capable", {
      initial: environment.DOCKER_DEFAULT_PLATFORM ?? "",
    }),
    privileged: flag.bool("Give extended privileges to this container"),
    publish: flag.list("Publish a container's port(s) to the host", { short: "p" }),
    "publish-all": flag.bool("Publish all exposed ports to random ports", { short: "P" }),
    pull: flag.string('Pull image before running ("always", "missing", "never")', {
      initial: "missing",
      shown: '"missing"',
    }),
    quiet: flag.bool("Suppress the pull output", { short: "q" }),
    "read-only": flag.bool("Mount the container's root filesystem as read only"),
    rm: flag.bool("Automatically remove the container and its associated anonymous volumes when it exits"),
    runtime: flag.string("Runtime to use for this container"),
    "security-opt": flag.list("Security Options"),
    "shm-size": flag.bytes("Size of /dev/shm"),
    "stop-signal": flag.string("Signal to stop the container"),
    "stop-timeout": flag.int("Timeout (in seconds) to stop a container"),
    "storage-opt": flag.list("Storage driver options for the container"),
    sysctl: flag.map("Sysctl options", { check: checkSysctl }),
    tmpfs: flag.list("Mount a tmpfs directory"),
    tty: flag.bool("Allocate a pseudo-TTY", { short: "t" }),
    ulimit: ulimitFlag(),
    "use-api-socket": flag.bool("Bind mount Docker API socket and required auth"),
    user: flag.string("Username or UID (format: <name|uid>[:<group|gid>])", { short: "u" }),
    userns: flag.string("User namespace to use"),
    uts: flag.string("UTS namespace to use"),
    volume: flag.list("Bind mount a volume", { short: "v" }),
    "volume-driver": flag.string("Optional volume driver for the container"),
    "volumes-from": flag.list("Mount volumes from the specified container(s)"),
    workdir: flag.string("Working directory inside the container", { short: "w" }),
    ...limitFlags,
    restart: flag.string("Restart policy to apply when a container exits", { initial: "no", shown: '"no"' }),
  };
}

export type ContainerFlags = ReturnType<typeof containerFlags>;

function checkAttach(text: string): string {
  const stream = text.toLowerCase();
  if (["stdin", "stdout", "stderr"].includes(stream)) return stream;
  throw new UsageError("valid streams are STDIN, STDOUT and STDERR");
}

const SYSCTLS = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$|net\.|fs\.mqueue\.)/;

function checkSysctl(text: string): string {
  const [name] = text.split("=", 1);
  if (!text.includes("=") || name === undefined || !SYSCTLS.test(name))
    throw new UsageError(`sysctl '${text}' is not allowed`);
  return text;
}
