// The image's config under the user's: what the user left open, the image fills in (moby daemon/commit.go, merge).

import type { ContainerConfig, HealthConfig } from "../../api/types/container.ts";
import type { ImageConfig } from "../../api/types/image.ts";

/** A new config; neither argument is changed. Members that Go's client sends as null count as left open. */
export function mergeConfig(user: ContainerConfig, image: ImageConfig): ContainerConfig {
  const { cmd, entrypoint } = command(user, image);
  return {
    Hostname: user.Hostname ?? "",
    Domainname: user.Domainname ?? "",
    User: user.User || image.User || "",
    AttachStdin: user.AttachStdin ?? false,
    AttachStdout: user.AttachStdout ?? false,
    AttachStderr: user.AttachStderr ?? false,
    ...optional("ExposedPorts", merged(image.ExposedPorts, user.ExposedPorts)),
    Tty: user.Tty ?? false,
    OpenStdin: user.OpenStdin ?? false,
    StdinOnce: user.StdinOnce ?? false,
    Env: environment(user.Env ?? [], image.Env ?? []),
    ...optional("Cmd", cmd),
    ...optional("Healthcheck", healthcheck(user.Healthcheck, image.Healthcheck)),
    ...(user.ArgsEscaped ? { ArgsEscaped: true } : {}),
    Image: user.Image ?? "",
    ...optional("Volumes", merged(image.Volumes, user.Volumes)),
    WorkingDir: user.WorkingDir || image.WorkingDir || "",
    ...optional("Entrypoint", entrypoint),
    ...(user.NetworkDisabled ? { NetworkDisabled: true } : {}),
    ...(user.MacAddress ? { MacAddress: user.MacAddress } : {}),
    OnBuild: user.OnBuild ?? null,
    Labels: { ...image.Labels, ...user.Labels },
    ...optional("StopSignal", user.StopSignal || image.StopSignal || undefined),
    ...optional("StopTimeout", user.StopTimeout ?? undefined),
    ...optional("Shell", nonEmpty(user.Shell) ?? nonEmpty(image.Shell)),
  };
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

/** A user's entrypoint throws the image's command away; `[""]` throws the image's entrypoint away too. */
function command(user: ContainerConfig, image: ImageConfig): { cmd?: string[]; entrypoint?: string[] } {
  const reset = user.Entrypoint?.length === 1 && user.Entrypoint[0] === "";
  const own = nonEmpty(user.Entrypoint);
  const cmd = nonEmpty(user.Cmd) ?? (own === undefined ? nonEmpty(image.Cmd) : undefined);
  const entrypoint = reset ? undefined : (own ?? nonEmpty(image.Entrypoint));
  return { ...(cmd === undefined ? {} : { cmd }), ...(entrypoint === undefined ? {} : { entrypoint }) };
}

function nonEmpty(list: string[] | null | undefined): string[] | undefined {
  return list && list.length > 0 ? list : undefined;
}

/** The user's variables first, then the image's that the user did not name. */
function environment(user: readonly string[], image: readonly string[]): string[] {
  const named = new Set(user.map((entry) => entry.split("=", 1)[0]));
  return [...user, ...image.filter((entry) => !named.has(entry.split("=", 1)[0]))];
}

type Members = Record<string, Record<string, unknown>> | null | undefined;

function merged(image: Members, user: Members): Record<string, Record<string, unknown>> | undefined {
  const all = { ...image, ...user };
  return Object.keys(all).length === 0 ? undefined : all;
}

function healthcheck(user: HealthConfig | null | undefined, image: HealthConfig | null | undefined) {
  if (!user) return image ?? undefined;
  if (!image) return user;
  return {
    Test: nonEmpty(user.Test) ?? image.Test ?? [],
    ...optional("Interval", user.Interval || image.Interval),
    ...optional("Timeout", user.Timeout || image.Timeout),
    ...optional("StartPeriod", user.StartPeriod || image.StartPeriod),
    ...optional("StartInterval", user.StartInterval || image.StartInterval),
    ...optional("Retries", user.Retries || image.Retries),
  };
}
