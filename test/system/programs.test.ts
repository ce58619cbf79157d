// Real programs, as people run them: nginx, PostgreSQL and Redis from Debian's packages, on a network, with volumes that
// outlive a kill -9 of the container and of the daemon.

import { afterAll, describe, expect, test } from "bun:test";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, ok, unique } from "../harness/clients.ts";
import { type Client, TestDaemon } from "../harness/daemon.ts";
import { importTar } from "../harness/images.ts";
import { have } from "../harness/needs.ts";
import { HOST, OUTSIDE, Outside } from "../harness/outside.ts";
import { programsTar, USERS } from "../harness/programs.ts";

const IMAGE = "programs:v1";
const found = await programsTar();
const hoy = new TestDaemon({});
const client: Client = have.docker ? hoy.docker : hoy.hoy;
const dataOf = (name: string) => join(hoy.data, "volumes", name, "_data");

afterAll(() => hoy.close(), 60_000);
await hoy.up();
const outside = await Outside.link(hoy);
if ("path" in found) await importTar(hoy, IMAGE, Bun.file(found.path));

function on(name: string, body: () => Promise<void>): void {
  if ("path" in found) test(name, body, 200_000);
  else test.skip(`${name} (skipped: ${found.missing})`, body);
}

/** Kills the container's first process behind the engine's back, and waits until the engine knows. */
async function killProcess(name: string): Promise<void> {
  process.kill(Number(await ok(client("inspect", "-f", "{{.State.Pid}}", name))), "SIGKILL");
  await eventually(
    async () => (await ok(client("inspect", "-f", "{{.State.Running}}", name))) === "false",
    `${name} has ended`,
  );
}

/** Databases take their time on a busy machine. @throws with what the container says. */
async function healthy(name: string): Promise<void> {
  const well = async () => (await ok(client("inspect", "-f", "{{.State.Health.Status}}", name))) === "healthy";
  await eventually(well, `${name} is well`, 60_000).catch(async (cause) => {
    const { stdout, stderr } = await client("logs", name);
    throw new Error(`${stdout}${stderr}${await ok(client("inspect", "-f", "{{json .State}}", name))}`, { cause });
  });
}

describe("PostgreSQL", () => {
  const BIN = "/usr/lib/postgresql/15/bin";
  const DATA = "/var/lib/postgresql/data";
  const SERVE =
    `[ -s ${DATA}/PG_VERSION ] || { ${BIN}/initdb -D ${DATA} -A trust --no-locale -E UTF8 >/dev/null && ` +
    `echo "host all all all trust" >>${DATA}/pg_hba.conf; }; exec ${BIN}/postgres -D ${DATA} -c listen_addresses='*'`;
  const HEALTH = [
    "--health-cmd",
    `${BIN}/pg_isready -h 127.0.0.1`,
    "--health-interval",
    "300ms",
    "--health-retries",
    "60",
  ];

  const serve = (name: string, network: string, volume: string) =>
    ok(
      client(
        ...["run", "-d", "--name", name, "--network", network, "--network-alias", "db", "-u", "postgres"],
        ...["-v", `${volume}:${DATA}`, ...HEALTH, IMAGE, "sh", "-c", SERVE],
      ),
    );
  const sql = (network: string, statement: string) =>
    ok(
      client(
        ...["run", "--rm", "--network", network, "-u", "postgres", IMAGE],
        ...[`${BIN}/psql`, "-h", "db", "-d", "postgres", "-qtA", "-c", statement],
      ),
    );

  on("is reached by name, and recovers what was written before a kill -9", async () => {
    const [name, network, volume] = [unique("pg"), unique("net"), unique("v")];
    await ok(client("network", "create", network));
    await serve(name, network, volume);
    await healthy(name);
    await sql(network, "CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 10000)");
    expect(statSync(join(dataOf(volume), "PG_VERSION"))).toMatchObject({ uid: USERS.postgres, gid: USERS.postgres });
    expect(statSync(dataOf(volume)).mode & 0o777).toBe(0o700);

    await killProcess(name);
    await ok(client("start", name));
    await healthy(name);
    expect(await sql(network, "SELECT count(*), sum(n) FROM t")).toBe("10000|50005000");
    expect(await ok(client("logs", name).then((all) => ({ ...all, stdout: all.stderr })))).toContain(
      "automatic recovery in progress",
    );

    await hoy.restart("SIGKILL");
    await sql(network, "INSERT INTO t VALUES (0)");
    await hoy.down("SIGKILL");
    await hoy.up();
    await ok(client("rm", "-f", name));
    await serve(name, network, volume);
    await healthy(name);
    expect(await sql(network, "SELECT count(*) FROM t")).toBe("10001");
    await ok(client("stop", name));
    expect(await ok(client("inspect", "-f", "{{.State.ExitCode}}", name))).toBe("0");
    await ok(client("rm", name));
    await ok(client("volume", "rm", volume));
    await ok(client("network", "rm", network));
  });
});

describe("Redis", () => {
  const SERVE = ["redis-server", "--dir", "/var/lib/redis", "--appendonly", "yes", "--appendfsync", "always"];

  on("keeps what it answered for, over a kill -9 of the process and of the daemon", async () => {
    const [name, volume] = [unique("redis"), unique("v")];
    const run = ["run", "-d", "--name", name, "-u", "redis", "--read-only", "-p", "6379:6379"];
    await ok(client(...run, "-v", `${volume}:/var/lib/redis`, IMAGE, ...SERVE, "--protected-mode", "no"));
    const ask = async (...words: string[]) => {
      const script = `printf '${words.join(" ")}\\r\\nQUIT\\r\\n' | busybox nc -w 5 ${HOST.v4} 6379`;
      return (await outside.run("sh", "-c", script)).stdout.replaceAll("\r", "").trim().split("\n");
    };
    const up = () => eventually(async () => (await ask("PING"))[0] === "+PONG", "Redis answers");
    await up();
    expect(await ask("SET", "key", "kept")).toEqual(["+OK", "+OK"]);
    expect(statSync(join(dataOf(volume), "appendonlydir"))).toMatchObject({ uid: USERS.redis, gid: USERS.redis });
    await killProcess(name);
    await ok(client("start", name));
    await up();
    expect(await ask("GET", "key")).toEqual(["$4", "kept", "+OK"]);
    await hoy.restart("SIGKILL");
    await up();
    expect(await ask("INCR", "count")).toEqual([":1", "+OK"]);
    await ok(client("rm", "-f", name));
    await ok(client(...run, "-v", `${volume}:/var/lib/redis`, IMAGE, ...SERVE, "--protected-mode", "no"));
    await up();
    expect(await ask("GET", "count")).toEqual(["$1", "1", "+OK"]);
    await ok(client("rm", "-f", name));
    await ok(client("volume", "rm", volume));
  });
});

describe("nginx", () => {
  on("serves a volume, passes on to a name on its network, logs who asked, and reloads", async () => {
    const [web, backend, network, volume, content] = [
      unique("web"),
      unique("app"),
      unique("net"),
      unique("v"),
      unique("v"),
    ];
    const config = (location: string) =>
      "user www-data; worker_processes 2; daemon off; error_log /dev/stderr; pid /run/nginx.pid;\n" +
      "events { worker_connections 64; }\n" +
      `http { access_log /dev/stdout; server { listen 80; root /var/www/html; ${location} } }\n`;
    const writeConfig = (location: string) => writeFileSync(join(dataOf(volume), "nginx.conf"), config(location));
    await ok(client("network", "create", network));
    const common = ["--network", network, "-v", `${volume}:/etc/hoy:ro`];
    const nginx = [IMAGE, "/usr/sbin/nginx", "-c", "/etc/hoy/nginx.conf"];
    await ok(client("volume", "create", volume));
    writeConfig("");
    await ok(client("run", "-d", "--name", backend, "--network-alias", "backend", ...common, ...nginx));
    await ok(client("exec", backend, "sh", "-c", "echo from behind >/var/www/html/index.html"));
    writeConfig("location /app/ { proxy_pass http://backend/; }");
    const published = ["-p", "8080:80", "-v", `${content}:/var/www/html`];
    await ok(client("run", "-d", "--name", web, ...published, ...common, ...nginx));
    await ok(client("exec", web, "sh", "-c", "echo front >/var/www/html/index.html"));
    const get = async (path: string) =>
      (await outside.run("busybox", "wget", "-q", "-O", "-", `http://${HOST.v4}:8080${path}`)).stdout.trim();
    await eventually(async () => (await get("/")) === "front", "nginx answers");
    expect(await get("/app/")).toBe("from behind");
    const asked = new RegExp(`^${OUTSIDE.v4.replaceAll(".", "\\.")} .*"GET / HTTP/1.1" 200`, "m");
    await eventually(async () => asked.test(await ok(client("logs", web))), "the log says who asked");
    expect(statSync(dataOf(content))).toMatchObject({ uid: USERS.www, gid: USERS.www });

    await ok(client("kill", "-s", "HUP", web));
    await killProcess(web);
    await ok(client("start", web));
    // It looks the name up as it starts, and the daemon answers.
    await eventually(async () => (await get("/app/")) === "from behind", "nginx answers again");
    await hoy.restart("SIGKILL");
    await eventually(async () => (await get("/app/")) === "from behind", "nginx answers still");
    expect(await get("/")).toBe("front");
    await ok(client("rm", "-f", web, backend));
    await ok(client("volume", "rm", volume, content));
    await ok(client("network", "rm", network));
  });
});
