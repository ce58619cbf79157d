// The step that failed, as clients are told of it in the details of the error: errdefs.Solve with the command and the
// handles of its trees, by which they open a container to look at what it left (BuildKit, solver/errdefs/solve.go).
// JSON in the names of BuildKit's own messages; int64 are strings there.

import * as v from "valibot";
import type { ExecMount, ExecOp } from "../../graph.ts";
import type { Detail } from "../grpc/status.ts";
import { CacheSharing, MountType, NetMode, SecurityMode } from "../proto/gen/ops_pb.ts";

const SOLVE_URL = "github.com/moby/buildkit/errdefs.Solve+json";

/** @param before handles of the trees as the step began; @param left the same as it left them; one a mount, "": none */
export function failedExecDetail(op: ExecOp, before: readonly string[], left: readonly string[]): Detail {
  const meta = {
    args: op.args,
    env: op.env,
    cwd: op.cwd,
    user: op.user,
    hostname: op.hostname,
    extraHosts: op.extraHosts.map(({ host, ip }) => ({ Host: host, IP: ip })),
    ulimit: op.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: String(soft), Hard: String(hard) })),
    cgroupParent: op.cgroupParent,
  };
  const exec = {
    meta,
    mounts: op.mounts.map(mountJson),
    network: { sandbox: NetMode.NET_SANDBOX, host: NetMode.NET_HOST, none: NetMode.NET_NONE }[op.network],
    security: op.insecure ? SecurityMode.SECURITY_INSECURE : SecurityMode.SECURITY_SANDBOX,
    secretenv: op.secretEnv.map(({ id, name, optional }) => ({ ID: id, name, optional })),
  };
  const solve = { inputIDs: before, mountIDs: left, op: { exec } };
  return { typeUrl: SOLVE_URL, value: Buffer.from(JSON.stringify(solve)) };
}

function mountJson({ input, selector, target, output, readonly, detail }: ExecMount) {
  const base = { input: String(input), selector, dest: target, output: String(output), readonly };
  switch (detail.type) {
    case "bind":
      return { ...base, mountType: MountType.MOUNT_BIND };
    case "cache": {
      const sharing = { shared: 0, private: 1, locked: 2 }[detail.sharing];
      return { ...base, mountType: MountType.MOUNT_CACHE, cacheOpt: { ID: detail.id, sharing } };
    }
    case "tmpfs":
      return { ...base, mountType: MountType.MOUNT_TMPFS, TmpfsOpt: { size: String(detail.size) } };
    case "secret":
    case "ssh": {
      const { id, mode, uid, gid, optional } = detail;
      const option = { ID: id, mode, uid, gid, optional };
      return detail.type === "secret"
        ? { ...base, mountType: MountType.MOUNT_SECRET, secretOpt: option }
        : { ...base, mountType: MountType.MOUNT_SSH, SSHOpt: option };
    }
  }
}

const lent = v.optional(
  v.looseObject({
    ID: v.string(),
    mode: v.number(),
    uid: v.number(),
    gid: v.number(),
    optional: v.boolean(),
  }),
);

const schema = v.looseObject({
  mountIDs: v.array(v.string()),
  op: v.looseObject({
    exec: v.looseObject({
      meta: v.looseObject({
        args: v.array(v.string()),
        env: v.array(v.string()),
        cwd: v.string(),
        user: v.string(),
        hostname: v.string(),
        extraHosts: v.array(v.looseObject({ Host: v.string(), IP: v.string() })),
      }),
      mounts: v.array(
        v.looseObject({
          selector: v.string(),
          dest: v.string(),
          readonly: v.boolean(),
          mountType: v.enum(MountType),
          cacheOpt: v.optional(v.looseObject({ ID: v.string(), sharing: v.enum(CacheSharing) })),
          TmpfsOpt: v.optional(v.looseObject({ size: v.pipe(v.string(), v.digits()) })),
          secretOpt: lent,
          SSHOpt: lent,
        }),
      ),
      network: v.enum(NetMode),
      security: v.enum(SecurityMode),
      secretenv: v.array(v.looseObject({ ID: v.string(), name: v.string(), optional: v.boolean() })),
    }),
  }),
});

export type FailedExec = v.InferOutput<typeof schema>;

/** undefined: the error is of no command, or of an engine that does not say. */
export function readFailedExec(details: readonly Detail[]): FailedExec | undefined {
  const found = details.find(({ typeUrl }) => typeUrl === SOLVE_URL);
  if (found === undefined) return undefined;
  try {
    const result = v.safeParse(schema, JSON.parse(Buffer.from(found.value).toString("utf8")));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // details are extra: the error stands without them
  }
}
