import { afterAll, describe, expect, test } from "bun:test";
import { parseLocalOptions } from "./local-options.ts";
import { portsOf, reachable } from "./server.ts";

const there = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
afterAll(() => there.stop(true));

/** A port that was free a moment ago. */
function closedPort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const { port } = server;
  server.stop(true);
  return port;
}

function asked(type: string, device: string, o: string): Promise<string> {
  const { mount } = parseLocalOptions({ type, device, o });
  if (mount === undefined) throw new Error("no mount");
  return reachable(mount);
}

describe("the server of a volume on the network", () => {
  test.each([
    ["nfs", ":/x", "addr=localhost,nfsvers=4,port=PORT,soft", /^addr=(127\.0\.0\.1|::1),nfsvers=4,port=\d+,soft$/],
    ["nfs4", ":/x", "soft,addr=127.0.0.1,port=PORT", /^soft,addr=127\.0\.0\.1,port=\d+$/],
    ["nfs", ":/x", "addr=127.0.0.1,vers=3,port=PORT", /^addr=127\.0\.0\.1,vers=3,port=\d+$/],
    ["nfs", ":/x", "addr=127.0.0.1,proto=udp,port=9", /^addr=127\.0\.0\.1,proto=udp,port=9$/],
    ["nfs", ":/x", "soft", /^soft$/],
    ["cifs", "//127.0.0.1/share", "username=u,port=PORT", /^username=u,port=\d+,addr=127\.0\.0\.1$/],
    ["cifs", "\\\\127.0.0.1\\share", "port=PORT", /^port=\d+,addr=127\.0\.0\.1$/],
    [
      "smb3",
      "//name/share",
      "ip=127.0.0.1,port=PORT,password=a,,addr=b",
      /^ip=127\.0\.0\.1,port=\d+,password=a,,addr=b$/,
    ],
    ["tmpfs", "tmpfs", "addr=nowhere.invalid", /^addr=nowhere\.invalid$/],
  ])("%s %s %s", async (type, device, o, expected) => {
    expect(await asked(type, device, o.replace("PORT", `${there.port}`))).toMatch(expected);
  });

  test.each([
    ["nfs", "vers=3", [111]],
    ["nfs", "", [111]],
    ["nfs", "nfsvers=3,port=0", [111]],
    ["nfs", "vers=4.1", [2049]],
    ["nfs4", "", [2049]],
    ["nfs", "vers=3,port=20049", [20049]],
    ["nfs", "vers=3,proto=udp", []],
    ["cifs", "", [445, 139]],
  ])("%s with %p is looked for at the ports %p", (type, options, ports) => {
    expect(portsOf(type, options.split(","))).toEqual(ports);
  });

  test("one that is not there, and one that nobody knows, are errors before mount(2) waits for them", async () => {
    const port = closedPort();
    for (const type of ["nfs4", "cifs"]) {
      await expect(asked(type, "//127.0.0.1/x", `addr=127.0.0.1,port=${port}`)).rejects.toThrow(
        `connection refused (127.0.0.1, port ${port})`,
      );
      await expect(asked(type, "//nowhere.invalid/x", "addr=nowhere.invalid")).rejects.toThrow(
        "error resolving passed in network volume address: lookup nowhere.invalid: no such host",
      );
    }
  });
});
