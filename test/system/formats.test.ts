// `--format`: every field of every struct that docker's client knows, printed whole and as JSON, by docker's client and
// by hoy, from the same objects of the same engine. What differs is a field forgotten, in another order or of another type.
// Behind a pointer inside of something else Go prints an address: there hoy prints what is there, and nothing is compared.

import { describe, expect } from "bun:test";
import { fieldsOf, type GoType } from "../../src/cli/template/struct-fields.ts";
import { ok } from "../harness/clients.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";
import { testWith } from "../harness/needs.ts";

const hoy = await testDaemon();

/** A template with a line a field, "PATH=VALUE" and "PATH json VALUE", down to the last struct. */
function everything(struct: string): string {
  return lines({ kind: "struct", name: struct }, "", "$", 0).join("").replaceAll("\\n", "\n");
}

/** @param variable what stands for the value; `path` is only its name in the output */
function lines(type: GoType, path: string, variable: string, depth: number): string[] {
  const own =
    path === ""
      ? ["all {{json $}}\\n"]
      : [
          `${path}={{${variable}}}\\n`,
          `${path} json {{json ${variable}}}\\n`,
          `${path} {{len (print ${variable})}}\\n`,
        ];
  const inner = `$v${depth}`;
  switch (type.kind) {
    case "pointer":
      return [
        ...own.slice(0, 2),
        `{{with ${inner} := ${variable}}}`,
        ...lines(type.of, path, inner, depth + 1).slice(3),
        "{{end}}",
      ];
    case "list":
      return [...own, `{{range ${inner} := ${variable}}}`, ...lines(type.of, `${path}[]`, inner, depth + 1), "{{end}}"];
    case "map":
      return [
        ...own,
        `{{range $k${depth}, ${inner} := ${variable}}}{{$k${depth}}}\\n`,
        ...lines(type.of, `${path}[]`, inner, depth + 1),
        "{{end}}",
      ];
    case "struct":
      return [
        ...own,
        ...fieldsOf(type.name).flatMap(({ go, type: of }) =>
          lines(of, `${path}.${go}`, `${variable}.${go}`, depth + 1),
        ),
      ];
    default:
      return own;
  }
}

async function compare(args: readonly string[], format: string): Promise<void> {
  const run = async (client: Client) => (await ok(client(...args, "--format", format))).split("\n");
  const [theirs, ours] = [await run(hoy.docker), await run(hoy.hoy)];
  expect(theirs.length).toBeGreaterThan(10);
  const addresses = new Set(theirs.flatMap((line, at) => (/0xc[0-9a-f]{6,}/.test(line) ? [at, at + 2] : [])));
  const known = (_: string, at: number) => !addresses.has(at);
  expect(ours.filter(known)).toEqual(theirs.filter(known));
}

describe("whole structs by --format are docker's", () => {
  testWith("docker", "container inspect", async () => {
    const { docker } = hoy;
    await ok(docker("network", "create", "--label", "a=b", "--opt", "x=y", "formats"));
    await ok(docker("volume", "create", "--label", "v=w", "formats"));
    await ok(
      docker(
        ...["run", "-d", "--name", "formats", "--network", "formats", "--network-alias", "nick", "-p", "127.0.0.1::80"],
        ...[
          "-v",
          "formats:/data",
          "--mount",
          "type=tmpfs,dst=/scratch,tmpfs-size=1m",
          "--tmpfs",
          "/t",
          "-v",
          "/anonymous",
        ],
        ...[
          "--ulimit",
          "nofile=100:200",
          "--device",
          "/dev/null:/dev/nothing",
          "--cap-add",
          "NET_ADMIN",
          "--cap-drop",
          "MKNOD",
        ],
        ...[
          "--env",
          "A=b",
          "--label",
          "l=m",
          "--dns",
          "10.9.9.9",
          "--add-host",
          "h:10.8.8.8",
          "--pids-limit",
          "50",
          "--init",
        ],
        ...[
          "--restart",
          "on-failure:3",
          "--log-opt",
          "max-size=1m",
          "--sysctl",
          "net.ipv4.ip_unprivileged_port_start=0",
        ],
        ...["--health-cmd", "true", "--health-interval", "90s", "--health-timeout", "1500ms", "--stop-timeout", "1"],
        ...[
          "--memory",
          "64m",
          "--cpus",
          "0.5",
          "--security-opt",
          "no-new-privileges",
          "--annotation",
          "n=o",
          "busybox",
        ],
        ...["sleep", "1000"],
      ),
    );
    await compare(["container", "inspect", "--size", "formats"], everything("Container"));
    await ok(docker("create", "--name", "formats-plain", "--network", "none", "busybox"));
    await compare(["inspect", "formats-plain"], everything("Container"));
    await compare(["volume", "inspect", "formats"], everything("Volume"));
    await compare(["network", "inspect", "formats"], everything("Network"));
    await compare(["network", "inspect", "host"], everything("Network"));
    await ok(docker("rm", "-f", "formats", "formats-plain"));
    await ok(docker("network", "rm", "formats"));
    await ok(docker("volume", "rm", "formats"));
  });

  testWith("docker", "image inspect", async () => {
    const change = [
      "HEALTHCHECK --interval=1h30m CMD true",
      "EXPOSE 80 81/udp",
      "VOLUME /v",
      "LABEL a=b",
      "USER 5",
      "ONBUILD RUN x",
    ];
    await ok(hoy.docker("create", "--name", "formats-image", "--network", "none", "busybox"));
    await ok(hoy.docker("commit", ...change.flatMap((one) => ["--change", one]), "formats-image", "formats"));
    await compare(["image", "inspect", "formats"], everything("Image"));
    await compare(["image", "inspect", "busybox"], everything("Image"));
    await ok(hoy.docker("rm", "formats-image"));
    await ok(hoy.docker("rmi", "formats"));
  });

  testWith("docker", "version, info, events", async () => {
    await compare(["version"], everything("ServerVersion").replaceAll(/\$(?=\.|\}\}\n\.)/g, "$.Server"));
    // The client's own part of it differs.
    const changing = /\$(?=\}\}\n\.)|\$\.(SystemTime|NGoroutines|NFd|NEventsListener)\b/g;
    await compare(["info"], everything("Info").replaceAll(changing, "1"));
    await ok(hoy.docker("run", "--rm", "--network", "none", "--label", "e=f", "busybox", "true"));
    const until = String(Math.ceil(Date.now() / 1000) + 1);
    await compare(["events", "--since", "1h", "--until", until], everything("Event"));
  });
});
