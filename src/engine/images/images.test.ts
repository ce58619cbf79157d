import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { Filters } from "../../api/backend.ts";
import { cut, NEVER, said, TestHouse, tar } from "./testing.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await TestHouse.open();
});
afterEach(() => house[Symbol.asyncDispose]());

const filters = (entries: Record<string, string[]> = {}): Filters =>
  new Map(Object.entries(entries).map(([key, values]) => [key, new Set(values)]));

const list = (entries: Record<string, string[]> = {}, more: { all?: boolean; sharedSize?: boolean } = {}) =>
  house.images.list({
    all: more.all ?? false,
    digests: false,
    sharedSize: more.sharedSize ?? false,
    manifests: false,
    filters: filters(entries),
  });

const tagsOf = async (entries: Record<string, string[]>) =>
  (await list(entries)).flatMap((one) => (one.RepoTags.length === 0 ? ["<none>"] : one.RepoTags)).sort();

const useBy = (image: string, running: boolean) => house.users.push({ id: "c".repeat(64), image, running });

describe("import", () => {
  test("makes an image of one layer, named and configured", async () => {
    const id = await house.import("registry.example/team/app", "hello", [
      "ENV A=1 B=2",
      'CMD ["/bin/sh"]',
      "LABEL who=me",
    ]);
    const image = await house.images.inspect("registry.example/team/app", { manifests: false, platform: undefined });
    expect(image.Id).toBe(id);
    expect(image.RepoTags).toEqual(["registry.example/team/app:latest"]);
    expect(image.Config?.Env).toEqual(["A=1", "B=2"]);
    expect(image.Config?.Cmd).toEqual(["/bin/sh"]);
    expect(image.Comment).toBe("Imported from -");
    expect(image.Size).toBe(5);
    expect(image.RootFS?.Layers).toHaveLength(1);
    expect(image.Metadata?.LastTagTime).toMatch(/^20/);
    expect(house.events.map((event) => event.action)).toEqual(["tag", "import"]);
    expect(house.events[1]?.attributes).toEqual({ who: "me", name: id });
  });

  test("takes a compressed tar, and a platform", async () => {
    const options = {
      source: "-",
      repo: "arm",
      tag: "v1",
      message: "mine",
      changes: [],
      platform: "linux/arm64",
    };
    await said(await house.images.import(options, cut(gzipSync(tar({ a: "x" }))), NEVER));
    const image = await house.images.inspect("arm:v1", { manifests: false, platform: undefined });
    expect(image.Architecture).toBe("arm64");
    expect(image.Comment).toBe("mine");
  });

  test("reads a URL and says so", async () => {
    const server = createServer((request, response) => {
      if (request.url === "/root.tar") response.end(tar({ a: "from afar" }));
      else if (request.url === "/elsewhere") response.writeHead(302, { location: "file:///etc/passwd" }).end();
      else response.writeHead(404).end();
    }).listen(0, "127.0.0.1");
    try {
      await new Promise((resolve) => server.once("listening", resolve));
      const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const options = { repo: "far", tag: undefined, message: "", changes: [], platform: undefined };
      const run = async (source: string) =>
        said(await house.images.import({ ...options, source }, cut(Buffer.alloc(0)), NEVER));
      expect(await run(`${host}/root.tar`)).toContain(`Downloading from http://${host}/root.tar`);
      expect((await list()).map((one) => one.RepoTags)).toEqual([["far:latest"]]);
      await expect(run(`http://${host}/nothing`)).rejects.toThrow("with status 404");
      await expect(run(`http://${host}/elsewhere`)).rejects.toThrow("can't download");
      await expect(run("ftp://host/root.tar")).rejects.toThrow("only http and https");
      await expect(run("file:///etc/passwd")).rejects.toThrow("only http and https");
    } finally {
      server.close();
    }
  });

  test("leaves nothing of a truncated tar, a bad change or a bad name", async () => {
    const options = { source: "-", repo: "bad", tag: undefined, message: "", changes: [], platform: undefined };
    const whole = tar({ a: "x".repeat(5000) });
    const cutShort = await house.images.import(options, cut(whole.subarray(0, 3000)), NEVER);
    await expect(said(cutShort)).rejects.toThrow("invalid tar archive");
    await expect(house.images.import({ ...options, changes: ["RUN ls"] }, cut(whole), NEVER)).rejects.toThrow(
      "RUN is not a valid change command",
    );
    await expect(house.images.import({ ...options, repo: "Bad" }, cut(whole), NEVER)).rejects.toThrow(
      "must be lowercase",
    );
    expect(await house.files()).toEqual([]);
    expect(await list()).toEqual([]);
  });
});

describe("names and ids", () => {
  test("an image is found by name, id and the beginning of its id", async () => {
    const id = await house.import("app", "x");
    const hex = id.slice("sha256:".length);
    for (const ref of ["app", "app:latest", "docker.io/library/app", id, hex, hex.slice(0, 6), id.slice(0, 13)]) {
      expect((await house.shelf.resolve(ref)).id as string).toBe(id);
    }
  });

  test("what is not there is named as Docker names it", async () => {
    await expect(house.shelf.resolve("nothing")).rejects.toThrow("No such image: nothing:latest");
    await expect(house.shelf.resolve("nothing:v1")).rejects.toThrow("No such image: nothing:v1");
    await expect(house.shelf.resolve("f".repeat(64))).rejects.toThrow(`No such image: sha256:${"f".repeat(64)}`);
    await expect(house.shelf.resolve("UPPER")).rejects.toThrow("must be lowercase");
    await house.import("app", "x");
    await expect(house.shelf.resolve("app", "linux/s390x")).rejects.toThrow(
      "image with reference app was found but its platform (linux/amd64) does not match the specified platform (linux/s390x)",
    );
  });

  test("tag gives another name, and takes a name over", async () => {
    const first = await house.import("app", "one");
    await house.images.tag("app", "localhost:5000/app", "v2");
    expect((await house.shelf.resolve(first)).repoTags).toEqual(["app:latest", "localhost:5000/app:v2"]);
    const second = await house.import("app", "two");
    expect((await house.shelf.resolve("app")).id as string).toBe(second);
    expect((await house.shelf.resolve(first)).repoTags).toEqual(["localhost:5000/app:v2"]);
    await expect(house.images.tag("app", "sha256", undefined)).rejects.toThrow("ambiguous tag");
    await expect(house.images.tag("app", "a", "-bad")).rejects.toThrow("invalid tag format");
    await expect(house.images.tag("none", "a", undefined)).rejects.toThrow("No such image: none:latest");
  });
});

describe("list", () => {
  test("filters by dangling, label, reference and time", async () => {
    await house.import("one", "1", ["LABEL kind=a"]);
    await house.import("team/two", "2", ["LABEL kind=b"]);
    const nameless = await house.import(undefined, "3");
    expect(await tagsOf({})).toEqual(["<none>", "one:latest", "team/two:latest"]);
    expect(await tagsOf({ dangling: ["true"] })).toEqual(["<none>"]);
    expect(await tagsOf({ dangling: ["false"] })).toEqual(["one:latest", "team/two:latest"]);
    expect(await tagsOf({ label: ["kind"] })).toEqual(["one:latest", "team/two:latest"]);
    expect(await tagsOf({ label: ["kind=b"] })).toEqual(["team/two:latest"]);
    expect(await tagsOf({ reference: ["o*"] })).toEqual(["one:latest"]);
    expect(await tagsOf({ reference: ["*/two"] })).toEqual(["team/two:latest"]);
    expect(await tagsOf({ reference: ["docker.io/library/one"] })).toEqual(["one:latest"]);
    expect(await tagsOf({ before: ["team/two"] })).toEqual(["one:latest"]);
    expect(await tagsOf({ since: ["one"] })).toEqual(["<none>", "team/two:latest"]);
    expect(await tagsOf({ until: ["1h"] })).toEqual([]);
    await expect(list({ nonsense: ["x"] })).rejects.toThrow("invalid filter 'nonsense'");
    await expect(list({ before: ["missing"] })).rejects.toThrow("No such image: missing:latest");
    expect((await list())[0]?.Id).toBe(nameless);
  });

  test("counts containers and shared bytes", async () => {
    const id = await house.import("one", "12345", ["LABEL a=1"]);
    await house.import("two", "12345", ["LABEL a=2"]);
    await house.import("three", "other");
    useBy(id, false);
    const sizes = new Map((await list({}, { sharedSize: true })).map((one) => [one.RepoTags[0], one]));
    expect(sizes.get("one:latest")?.SharedSize).toBe(5);
    expect(sizes.get("three:latest")?.SharedSize).toBe(0);
    expect(sizes.get("one:latest")?.Containers).toBe(1);
    expect((await list())[0]?.SharedSize).toBe(-1);
  });
});

describe("remove", () => {
  test("the last name takes the image and its disk along", async () => {
    const id = await house.import("app", "x");
    await house.images.tag("app", "other", undefined);
    expect(await house.images.remove("app", { force: false, prune: true })).toEqual([{ Untagged: "app:latest" }]);
    expect(await house.files()).toHaveLength(2);
    const items = await house.images.remove("other", { force: false, prune: true });
    expect(items).toEqual([
      { Untagged: "other:latest" },
      { Deleted: id },
      { Deleted: expect.stringMatching(/^sha256:/) },
    ]);
    expect(await house.files()).toEqual([]);
    expect(house.events.map((event) => event.action)).toEqual(["tag", "import", "tag", "untag", "untag", "delete"]);
  });

  test("a layer that another image has stays", async () => {
    await house.import("one", "same", ["LABEL n=1"]);
    await house.import("two", "same", ["LABEL n=2"]);
    const items = await house.images.remove("one", { force: false, prune: true });
    expect(items).toHaveLength(2);
    expect((await house.files()).filter((name) => name.startsWith("layers/"))).toHaveLength(1);
    await house.images.remove("two", { force: false, prune: true });
    expect(await house.files()).toEqual([]);
  });

  test("conflicts are said in Docker's words", async () => {
    const id = await house.import("app", "x");
    const short = id.slice(7, 19);
    const remove = (ref: string, force = false) => house.images.remove(ref, { force, prune: true });
    useBy(id, false);
    await expect(remove("app")).rejects.toThrow(
      `conflict: unable to remove repository reference "app" (must force) - container cccccccccccc is using its referenced image ${short}`,
    );
    await expect(remove(short)).rejects.toThrow(
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container cccccccccccc`,
    );
    house.users.length = 0;
    useBy(id, true);
    await expect(remove(short, true)).rejects.toThrow(
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container cccccccccccc`,
    );
    house.users.length = 0;
    await house.images.tag("app", "team/app", undefined);
    await expect(remove(short)).rejects.toThrow(
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    );
    expect((await remove(short, true)).map((item) => item.Untagged).filter(Boolean)).toEqual([
      "app:latest",
      "team/app:latest",
    ]);
  });

  test("an image that a container holds goes by force, its layers stay until the container goes", async () => {
    const id = await house.import("app", "x");
    await house.shelf.retain(id, "container-1");
    const lowers = await house.shelf.lowersOf("container-1");
    expect(lowers).toHaveLength(1);
    await expect(house.images.remove("app", { force: false, prune: true })).rejects.toThrow("(must force)");
    await house.images.remove("app", { force: true, prune: true });
    expect(await list()).toEqual([]);
    expect(await house.shelf.lowersOf("container-1")).toEqual(lowers);
    expect((await house.files()).filter((name) => name.startsWith("layers/"))).toHaveLength(1);
    expect(house.driver.chains.size).toBe(1);
    await house.shelf.release("container-1");
    await house.shelf.release("container-1");
    expect(await house.files()).toEqual([]);
    expect(house.driver.chains.size).toBe(0);
  });

  test("what can't be freed now is freed later, and fails nobody", async () => {
    await house.import("app", "x");
    await house.import("other", "y");
    house.driver.broken = true;
    expect(await house.images.remove("app", { force: false, prune: true })).toHaveLength(2);
    expect((await house.files()).filter((name) => name.startsWith("layers/"))).toHaveLength(2);
    house.driver.broken = false;
    await house.images.remove("other", { force: false, prune: true });
    expect(await house.files()).toEqual([]);
  });

  test("a name that is not there is an error", async () => {
    await expect(house.images.remove("nothing", { force: true, prune: true })).rejects.toThrow(
      "No such image: nothing:latest",
    );
  });
});

describe("prune", () => {
  test("takes nameless images, or all unused ones", async () => {
    const kept = await house.import("kept", "kept");
    await house.import("named", "named");
    const nameless = await house.import(undefined, "nameless");
    useBy(kept, false);
    const first = await house.images.prune(filters());
    expect(first.deleted[0]).toEqual({ Deleted: nameless });
    expect(first.spaceReclaimed).toBe(8);
    const second = await house.images.prune(filters({ dangling: ["false"] }));
    expect(second.deleted[0]).toEqual({ Untagged: "named:latest" });
    expect(await tagsOf({})).toEqual(["kept:latest"]);
    expect(house.events.at(-1)).toMatchObject({ action: "prune", attributes: { reclaimed: "5" } });
  });

  test("keeps to labels and until", async () => {
    await house.import(undefined, "a", ["LABEL keep=1"]);
    await house.import(undefined, "b");
    expect((await house.images.prune(filters({ until: ["1h"] }))).deleted).toEqual([]);
    expect((await house.images.prune(filters({ "label!": ["keep"] }))).deleted).toHaveLength(2);
    expect(await tagsOf({})).toEqual(["<none>"]);
    await expect(house.images.prune(filters({ reference: ["x"] }))).rejects.toThrow("invalid filter 'reference'");
  });
});

test("history has the newest first", async () => {
  const id = await house.import("app", "12345");
  expect(await house.images.history("app", undefined)).toEqual([
    {
      Id: id,
      Created: expect.any(Number),
      CreatedBy: "",
      Tags: ["app:latest"],
      Size: 5,
      Comment: "Imported from -",
    },
  ]);
});

test("push names what is not here, pull a name that can't be", async () => {
  const { signal } = new AbortController();
  const options = { platform: undefined, auth: undefined, allTags: false, tag: undefined };
  await expect(house.images.pull("Bad", options, signal)).rejects.toThrow("must be lowercase");
  await expect(house.images.push("busybox", options, signal)).rejects.toThrow(
    "An image does not exist locally with the tag: busybox",
  );
});
