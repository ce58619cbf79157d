// Volumes on a Windows share: the local driver with type cifs, against Samba. The password is nobody's to see but of who
// asks the engine for the volume's options.

import { describe, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMountPoint } from "../../src/linux/mount-table.ts";
import { fails, ok, unique } from "../harness/clients.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";
import { smbMissing, smbServer } from "../harness/smb.ts";

const missing = smbMissing();

async function withServer() {
  const hoy = await testDaemon({ flags: ["--debug"] });
  return { hoy, server: await smbServer(hoy) };
}

const there = missing === undefined ? await withServer() : undefined;

if (there === undefined) {
  test.skip(`volumes of type cifs (skipped: ${missing})`, () => undefined);
} else {
  const { hoy, server } = there;
  const written = server.password.replaceAll(",", ",,");
  const login = `username=${server.user.name},password=${written}`;
  const create = (client: Client, name: string, o: string, device = "//127.0.0.1/share") =>
    client("volume", "create", "-o", "type=cifs", "-o", `device=${device}`, "-o", `o=${o}`, name);
  const run = (client: Client, volume: string, script: string, ...flags: string[]) =>
    client("run", "--rm", "--network", "none", ...flags, "-v", `${volume}:/d`, "busybox", "sh", "-c", script);
  const secretIn = (text: string) => text.includes(server.password) || text.includes(written);

  describe("volumes of type cifs", () => {
    for (const client of hoy.clients) {
      test(`${client.program}: what a container writes is on the server, as the user who logs in`, async () => {
        const volume = unique("v");
        await ok(create(client, volume, `addr=127.0.0.1,${login},uid=7,gid=8,file_mode=0640,dir_mode=0750`));
        writeFileSync(join(server.path, "there"), "from the server");
        const script = `cat /d/there; echo mine >/d/${volume}; stat -c ' %u %g %a' /d /d/${volume}; cat /proc/mounts`;
        const output = await ok(run(client, volume, script, "--userns=host"));
        expect(output).toStartWith("from the server 7 8 750\n 7 8 640\n");
        expect(output).toContain(" /d cifs rw,");
        expect(secretIn(output)).toBe(false);
        const file = join(server.path, volume);
        expect([readFileSync(file, "utf8"), statSync(file).uid, statSync(file).gid]).toEqual([
          "mine\n",
          server.user.uid,
          server.user.gid,
        ]);
        expect(isMountPoint(join(hoy.data, "volumes", volume, "_data"))).toBe(false);
        await ok(client("volume", "rm", volume));
        expect(readFileSync(file, "utf8")).toBe("mine\n");
      });

      test(`${client.program}: the server by its name, in addr or in the device alone`, async () => {
        for (const [o, device] of [
          [`addr=localhost,${login}`, "//127.0.0.1/share"],
          [login, "//localhost/share"],
        ] as const) {
          const volume = unique("v");
          await ok(create(client, volume, o, device));
          expect(await ok(run(client, volume, `echo ${volume} >/d/x; cat /d/x`, "--userns=host"))).toBe(volume);
          await ok(client("volume", "rm", volume));
        }
        const volume = unique("v");
        await ok(create(client, volume, `addr=nowhere.invalid,${login}`));
        await fails(
          run(client, volume, "true", "--userns=host"),
          125,
          "error resolving passed in network volume address: lookup nowhere.invalid: no such host",
        );
        await ok(client("volume", "rm", volume));
      });

      test(`${client.program}: a wrong password, no such share and no server are errors of the start`, async () => {
        for (const [o, device, words] of [
          [`username=${server.user.name},password=wrong-secret`, "//127.0.0.1/share", /permission denied/i],
          [login, "//127.0.0.1/nonesuch", /no such file or directory/i],
          [`${login},port=1`, "//127.0.0.1/share", "connection refused (127.0.0.1, port 1)"],
        ] as const) {
          const volume = unique("v");
          await ok(create(client, volume, `addr=127.0.0.1,${o}`, device));
          const result = await run(client, volume, "true", "--userns=host");
          expect(result.code).toBe(125);
          expect(result.stderr).toMatch(words);
          expect(result.stderr).toContain(
            `error while mounting volume '${join(hoy.data, "volumes", volume, "_data")}'`,
          );
          expect(secretIn(result.stderr) || result.stderr.includes("wrong-secret")).toBe(false);
          await ok(client("volume", "rm", volume));
        }
      });

      test(`${client.program}: a container with ids of its own is told the way out`, async () => {
        const volume = unique("v");
        await ok(create(client, volume, `addr=127.0.0.1,${login}`));
        await fails(run(client, volume, "true"), 125, "use --userns=host");
        await ok(client("volume", "rm", volume));
      });

      test(`${client.program}: inspect shows the options as they were given, and nothing else shows the password`, async () => {
        const [volume, name] = [unique("v"), unique()];
        const o = `addr=127.0.0.1,${login}`;
        await ok(create(client, volume, o));
        const flags = ["--name", name, "--network", "none", "--userns=host", "-v", `${volume}:/d`];
        await ok(client("run", "-d", ...flags, "busybox", "sleep", "1000"));
        expect(JSON.parse(await ok(client("volume", "inspect", volume)))).toMatchObject([
          { Options: { type: "cifs", o } },
        ]);
        const shown = [
          ...(await Promise.all([
            ok(client("volume", "ls")),
            ok(client("inspect", name)),
            ok(client("system", "df", "-v")),
            ok(client("events", "--since", "1h", "--until", "0s", "--format", "{{json .}}")),
          ])),
          readFileSync("/proc/mounts", "utf8"),
          await ok(client("exec", name, "cat", "/proc/self/mountinfo")),
        ];
        expect(shown.map(secretIn)).toEqual(shown.map(() => false));
        await ok(client("rm", "-f", name));
        await ok(client("volume", "rm", volume));
      });
    }

    test("the mount is the next engine's after a kill -9, and goes with its last container", async () => {
      const [volume, name] = [unique("v"), unique()];
      const data = join(hoy.data, "volumes", volume, "_data");
      await ok(create(hoy.hoy, volume, `addr=127.0.0.1,${login}`));
      const flags = ["--name", name, "--network", "none", "--userns=host", "-v", `${volume}:/d`];
      await ok(hoy.hoy("run", "-d", ...flags, "busybox", "sleep", "1000"));
      expect(isMountPoint(data)).toBe(true);
      await hoy.restart("SIGKILL");
      await ok(hoy.hoy("exec", name, "sh", "-c", "echo again >/d/again"));
      expect(readFileSync(join(server.path, "again"), "utf8")).toBe("again\n");
      await ok(hoy.hoy("rm", "-f", name));
      expect(isMountPoint(data)).toBe(false);
      await ok(hoy.hoy("volume", "rm", volume));
    });

    test("the password is in no log of the engine's, at its most talkative", () => {
      expect(hoy.daemonLog()).not.toBe("");
      expect(secretIn(hoy.daemonLog()) || hoy.daemonLog().includes("wrong-secret")).toBe(false);
    });
  });
}
