// Requests that can't be right, by the API itself: a clear error in Docker's status, nothing half-made, the daemon up.

import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { eachClient, fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];

describe("run", () => {
  eachClient(hoy, "an unknown image", async (client) => {
    await fails(client("run", "--rm", "--pull", "never", ...NET, "nonesuch"), 125, /No such image: nonesuch:latest/);
  });

  eachClient(hoy, "a name that is taken, a name that is none", async (client) => {
    const name = unique();
    const id = await ok(client("create", "--name", name, ...NET, "busybox"));
    await fails(
      client("create", "--name", name, ...NET, "busybox"),
      1,
      `Conflict. The container name "/${name}" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
    await fails(
      client("create", "--name", "a b", ...NET, "busybox"),
      1,
      /Invalid container name \(a b\), only \[a-zA-Z0-9\]\[a-zA-Z0-9_\.-\] are allowed/,
    );
    await ok(client("rm", name));
  });

  eachClient(hoy, "a bind source that is not there; a target that is not absolute", async (client) => {
    await fails(
      client("run", "--rm", ...NET, "--mount", "type=bind,src=/nonesuch,dst=/x", "busybox"),
      125,
      /bind source path does not exist: \/nonesuch/,
    );
    await fails(
      client("run", "--rm", ...NET, "-v", "/tmp:relative", "busybox"),
      125,
      /mount path must be absolute|invalid mount path/,
    );
    await fails(client("run", "--rm", ...NET, "-v", "/tmp:/", "busybox"), 125, /destination can't be '\/'/);
  });

  eachClient(hoy, "a user that is not in the image", async (client) => {
    await fails(
      client("run", "--rm", ...NET, "-u", "captain", "busybox"),
      125,
      /unable to find user captain: no matching entries in passwd file/,
    );
  });

  eachClient(hoy, "a runtime that is not known", async (client) => {
    await fails(
      client("run", "--rm", ...NET, "--runtime", "nonesuch", "busybox"),
      125,
      /unknown or invalid runtime name: nonesuch/,
    );
  });

  eachClient(hoy, "another container's namespaces, of a container that is not there", async (client) => {
    await fails(
      client("run", "--rm", "--pull", "never", "--network", "container:nonesuch", "busybox"),
      125,
      /No such container: nonesuch/,
    );
    await fails(
      client("run", "--rm", "--pull", "never", ...NET, "--pid", "container:nonesuch", "busybox"),
      125,
      /No such container: nonesuch/,
    );
  });
});

describe("the API", () => {
  const cases: [string, string, string, unknown, number, RegExp][] = [
    ["no JSON", "POST", "/containers/create", "{", 400, /JSON|unexpected|invalid/i],
    ["the wrong type", "POST", "/containers/create", { Image: 5 }, 400, /Image|unmarshal|string/],
    ["an empty body", "POST", "/containers/create", "", 400, /./],
    ["no image", "POST", "/containers/create", { Cmd: ["true"] }, 400, /./],
    [
      "a negative limit",
      "POST",
      "/containers/create",
      { Image: "busybox", HostConfig: { Memory: -1 } },
      400,
      /[Mm]emory/,
    ],
    ["an unknown container", "POST", "/containers/nonesuch/start", undefined, 404, /No such container: nonesuch/],
    ["an unknown network", "GET", "/networks/nonesuch", undefined, 404, /network nonesuch not found/],
    ["an unknown volume", "GET", "/volumes/nonesuch", undefined, 404, /no such volume/],
    ["an unknown path", "GET", "/nonesuch", undefined, 404, /page not found/],
    [
      "a version that is too new",
      "GET",
      "/v1.99/info",
      undefined,
      400,
      /client version 1\.99 is too new\. Maximum supported API version is 1\.51/,
    ],
    [
      "a version that is too old",
      "GET",
      "/v1.12/info",
      undefined,
      400,
      /client version 1\.12 is too old\. Minimum supported API version is 1\.24/,
    ],
    ["filters that are no JSON", "GET", "/containers/json?filters={", undefined, 400, /./],
    ["a limit that is no number", "GET", "/containers/json?limit=many", undefined, 400, /./],
    ["a path that climbs", "GET", "/containers/..%2f..%2fetc%2fpasswd/json", undefined, 404, /./],
    ["swarm", "GET", "/services", undefined, 503, /This node is not a swarm manager/],
  ];
  for (const [name, method, path, body, status, message] of cases) {
    test(`${name}: ${status}`, async () => {
      const response = await hoy.api(method, path, body);
      expect({ status: response.status, message: (response.json as { message: string }).message }).toEqual({
        status,
        message: expect.stringMatching(message),
      });
    });
  }

  const raw: [string, string][] = [
    ["not HTTP at all", "hello\r\n\r\n"],
    ["an endless header", `GET / HTTP/1.1\r\nX: ${"x".repeat(200_000)}`],
    ["two lengths", "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}"],
    [
      "a length and chunks",
      "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a negative length", "POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"],
  ];
  for (const [name, bytes] of raw) {
    test(`${name}: the connection ends with an error, the daemon stays up`, async () => {
      const answer = await new Promise<string>((resolve) => {
        let text = "";
        const socket = connect(hoy.socket);
        socket.on("data", (chunk) => {
          text += chunk;
        });
        socket.on("close", () => resolve(text));
        socket.on("error", () => resolve(text));
        socket.write(bytes);
      });
      expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
      expect((await hoy.api("GET", "/_ping")).status).toBe(200);
    });
  }
});

test("nothing half-made is left", async () => {
  expect(await ok(hoy.hoy("ps", "-aq"))).toBe("");
});

eachClient(
  hoy,
  "a limit on a container's disk is refused in Docker's words; labels of SELinux do nothing here",
  async (client) => {
    const size = (option: string) => client("create", "--storage-opt", option, "busybox");
    await fails(size("size=1g"), 1, "--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
    await fails(size("size=much"), 1, "invalid size: 'much'");
    await fails(size("colour=red"), 1, "Unknown option colour");
    const labelled = await client(
      "run",
      "--rm",
      "--network",
      "none",
      "--security-opt",
      "label=type:container_t",
      "busybox",
      "echo",
      "ran",
    );
    expect(labelled).toMatchObject({ code: 0, stdout: "ran\n" });
  },
);
