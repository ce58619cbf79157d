import { describe, expect, test } from "bun:test";
import { HoyError } from "../../base/error.ts";
import { resolveUser } from "./user.ts";

const PASSWD = `# accounts
root:x:0:0:root:/root:/bin/sh
bob:x:1000:100:Bob:/home/bob:/bin/sh
broken:x:notanumber:1::/:
twin:x:1000:7::/other:
1337:x:55:55::/leet:
huge:x:4294967295:1::/:
`;
const GROUP = `root:x:0:
users:x:100:
audio:x:29:bob,alice
video:x:44:alice,bob
dup:x:44:bob
`;

const files = (passwd: string | undefined, group: string | undefined) => async (path: string) =>
  path === "/etc/passwd" ? passwd : group;

const resolve = (user: string, groupAdd: readonly string[] = []) =>
  resolveUser({ user, groupAdd, readFile: files(PASSWD, GROUP) });

describe("users of an image", () => {
  test("nobody named is root with root's home", async () => {
    expect(await resolve("")).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: "/root" });
  });

  test("a name gets its group and the groups that list it, each once", async () => {
    expect(await resolve("bob")).toEqual({ uid: 1000, gid: 100, additionalGids: [100, 29, 44], home: "/home/bob" });
  });

  test("a number is an id, also where a user is called so; the first entry counts", async () => {
    expect(await resolve("1000")).toMatchObject({
      uid: 1000,
      gid: 100,
      home: "/home/bob",
      additionalGids: [100, 29, 44],
    });
    expect(await resolve("1337")).toEqual({ uid: 1337, gid: 0, additionalGids: [0], home: "" });
  });

  test("a group that is given replaces the ones of the user", async () => {
    expect(await resolve("bob:audio")).toMatchObject({ uid: 1000, gid: 29, additionalGids: [29] });
    expect(await resolve("1000:12345")).toMatchObject({ uid: 1000, gid: 12345, additionalGids: [12345] });
    expect(await resolve(":29")).toMatchObject({ uid: 0, gid: 29 });
  });

  test("--group-add by name and id", async () => {
    expect(await resolve("bob", ["video", "777"])).toMatchObject({ additionalGids: [100, 29, 44, 777] });
  });

  test("unknown names are errors in moby's words", async () => {
    await expect(resolve("eve")).rejects.toThrow("unable to find user eve: no matching entries in passwd file");
    await expect(resolve("broken")).rejects.toThrow("unable to find user broken");
    await expect(resolve("bob:nogroup")).rejects.toThrow(
      "unable to find group nogroup: no matching entries in group file",
    );
    await expect(resolve("bob", ["nogroup"])).rejects.toThrow("unable to find group nogroup");
    await expect(resolve("eve")).rejects.toBeInstanceOf(HoyError);
  });

  test("ids out of range are refused", async () => {
    for (const user of ["-1", "2147483648", "0:-5", "99999999999999999999"]) {
      await expect(resolve(user)).rejects.toThrow("uids and gids must be in range 0-2147483647");
    }
    expect(await resolve("2147483647")).toMatchObject({ uid: 2147483647 });
  });

  test("an image without the files has numbers only", async () => {
    const bare = (user: string) => resolveUser({ user, groupAdd: [], readFile: files(undefined, undefined) });
    expect(await bare("")).toMatchObject({ uid: 0, gid: 0, home: "" });
    expect(await bare("5:6")).toMatchObject({ uid: 5, gid: 6 });
    await expect(bare("bob")).rejects.toThrow("no matching entries in passwd file");
  });
});
