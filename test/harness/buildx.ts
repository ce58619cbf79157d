// The real buildx beside a daemon of a test. It is taken from HOY_TEST_BUILDX (a path), else from where docker's packages put
// it. It can be built from the Go module proxy: `go mod download -json github.com/docker/buildx@v0.26.1`, copy the
// directory, there `go build -mod=mod ./cmd/buildx`.

import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Result } from "./command.ts";
import type { TestDaemon } from "./daemon.ts";
import { have } from "./needs.ts";

const program = [
  process.env.HOY_TEST_BUILDX ?? "",
  "/usr/libexec/docker/cli-plugins/docker-buildx",
  "/usr/local/lib/docker/cli-plugins/docker-buildx",
  "/usr/lib/docker/cli-plugins/docker-buildx",
].find((path) => path !== "" && existsSync(path));

/** Why there are no tests with buildx; "" when there are. */
export const withoutBuildx = !have.docker
  ? "no docker client on PATH"
  : program === undefined
    ? "no buildx; set HOY_TEST_BUILDX"
    : "";

/** A directory with these files; the Dockerfile is one of them. */
export function contextIn(
  daemon: TestDaemon,
  dockerfile: string,
  files: Readonly<Record<string, string>> = {},
): string {
  const root = mkdtempSync(join(daemon.root, "context-"));
  for (const [name, text] of Object.entries({ Dockerfile: dockerfile, ...files })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

export interface Buildx {
  /** For a buildx that is started by hand. */
  readonly env: Readonly<Record<string, string>>;
  /** `docker buildx …` */
  (...args: string[]): Promise<Result>;
  /** `docker buildx build --network none …` that must go well. */
  build(...args: string[]): Promise<Result>;
}

export function buildxOf(daemon: TestDaemon): Buildx {
  const config = join(daemon.root, "docker-config");
  mkdirSync(join(config, "cli-plugins"), { recursive: true });
  if (program !== undefined) symlinkSync(program, join(config, "cli-plugins/docker-buildx"));
  const env = {
    DOCKER_CONFIG: config,
    BUILDKIT_PROGRESS: "plain",
    BUILDX_CONFIG: join(daemon.root, "buildx"),
    BUILDX_BAKE_ENTITLEMENTS_FS: "0",
  };
  const call = (...args: string[]) => daemon.docker.with({ env }, "buildx", ...args);
  return Object.assign(call, {
    env,
    async build(...args: string[]) {
      const result = await call("build", "--network", "none", ...args);
      if (result.code !== 0) throw new Error(`exit code ${result.code}:\n${result.stdout}${result.stderr}`);
      return result;
    },
  });
}
