// Pulls from registries that lie, break off, are slow, overloaded or down: nothing wrong ever becomes visible, what is
// said is clear, and the next try goes on where this one ended.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { download } from "../../../registry/client/download.ts";
import { Repository } from "../../../registry/client/repository.ts";
import { NEVER, TestHouse, tar } from "../testing.ts";
import { cutAfter, type Rule, refuse, TestRegistry } from "./testing-registry.ts";

const TARS = [tar({ "etc/motd": "hello" }), tar({ "usr/data": randomBytes(300_000) })];

let house: TestHouse;
let registry: TestRegistry;
let name: string;
let layers: string[];
beforeEach(async () => {
  house = await TestHouse.open();
  registry = await TestRegistry.start();
  name = `${registry.address}/app:v1`;
  layers = registry.put("app", "v1", TARS);
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await house[Symbol.asyncDispose]();
});

const large = () => layers[1] ?? "";
const bytesOf = (digest: string) => registry.blobs.get(digest) ?? Buffer.alloc(0);

/** Waits until so many bytes of the large layer are on disk. */
async function arrived(total: number): Promise<void> {
  const path = join(house.root, "tmp/partial", large().slice("sha256:".length));
  for (let waited = 0; waited < 10_000; waited += 2) {
    const size = await stat(path).then(
      (found) => found.size,
      () => 0,
    );
    if (size >= total) return;
    await Bun.sleep(2);
  }
  throw new Error(`only a part of ${total} bytes came`);
}

async function failure(work: Promise<unknown>): Promise<HoyError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof HoyError)) throw new Error(`not a HoyError: ${thrown}`);
  return thrown;
}

/** No image, no layer, no blob; of what came there may be a beginning for the next try. */
async function expectNothing(): Promise<void> {
  expect(
    await house.images.list({ all: true, digests: false, sharedSize: false, manifests: false, filters: new Map() }),
  ).toEqual([]);
  expect((await house.files()).filter((path) => path !== "tmp/partial")).toEqual([]);
}

describe("a registry that lies", () => {
  test("a layer of another digest is refused", async () => {
    registry.blobs.set(large(), randomBytes(bytesOf(large()).length));
    expect((await failure(house.pull(name))).message).toMatch(/damaged|verification failed/);
    await expectNothing();
  });

  test("a layer that unpacks to something else than the config says is refused", async () => {
    registry.put("other", "v1", [tar({ evil: "x" })]);
    const [, second] = layers;
    const wrong = TestRegistryImages.swapConfig(registry, second ?? "");
    registry.putManifest("app", "v1", wrong);
    expect((await failure(house.pull(name))).code).toBe("invalid");
    await expectNothing();
  });

  test("a layer that is longer than the manifest says is cut off", async () => {
    registry.rules = [
      ({ url }, response) => {
        if (!url.includes(large())) return false;
        response.writeHead(200);
        const more = setInterval(() => response.write(Buffer.alloc(64 * 1024)), 1);
        response.write(bytesOf(large()));
        response.on("close", () => clearInterval(more));
        return true;
      },
    ];
    expect((await failure(house.pull(name))).message).toContain("longer than its manifest says");
    await expectNothing();
  });

  test("a layer that is shorter is asked for again, and then given up with its size", async () => {
    house.settings = { ...house.settings, maxDownloadAttempts: 2 };
    const short = bytesOf(large()).subarray(0, 1000);
    registry.blobs.set(large(), short);
    expect((await failure(house.pull(name))).message).toContain("1000 of");
    await expectNothing();
  });

  test("a config of another digest is refused", async () => {
    const config = [...registry.blobs.keys()].find((digest) => !layers.includes(digest)) ?? "";
    registry.blobs.set(config, Buffer.from("{}"));
    expect((await failure(house.pull(name))).message).toContain("wrong digest");
    await expectNothing();
  });

  test("a manifest of another digest than was asked for is refused", async () => {
    const other = sha256(randomBytes(8));
    registry.manifests.set(`app:${other}`, { bytes: Buffer.from("{}"), type: "application/json" });
    const error = await failure(house.pull(`${registry.address}/app@${other}`));
    expect(error.message).toContain("manifest verification failed");
  });

  test("a manifest without end is given up at 4 MiB", async () => {
    registry.rules = [
      ({ url }, response) => {
        if (!url.includes("/manifests/")) return false;
        const piece = Buffer.alloc(1024 * 1024, 0x20);
        const pour = () => {
          while (!response.destroyed && response.write(piece));
        };
        response.on("drain", pour);
        pour();
        return true;
      },
    ];
    expect((await failure(house.pull(name))).message).toContain("a manifest of more than");
    await expectNothing();
  });

  test("a manifest that is no JSON, or of schema 1, is refused in words", async () => {
    registry.putManifest("app", "v1", Buffer.from("<html>"));
    expect((await failure(house.pull(name))).message).toContain("JSON");
    registry.putManifest("app", "v1", Buffer.from("{}"), "application/vnd.docker.distribution.manifest.v1+prettyjws");
    expect((await failure(house.pull(name))).message).toContain("schema 1");
  });

  test("a redirect to where the registry has no business is not followed", async () => {
    registry.rules = [
      ({ url }, response) => {
        if (!url.includes(large())) return false;
        response.writeHead(307, { Location: "http://169.254.169.254/latest/meta-data" }).end();
        return true;
      },
    ];
    expect((await failure(house.pull(name))).message).toContain("an address that is not public");
    await expectNothing();
  });

  test("a redirect to elsewhere is followed, without the password", async () => {
    await using store = await TestRegistry.start();
    let authorization: string | undefined = "nothing came";
    store.rules = [
      ({ headers }, response) => {
        authorization = headers.authorization;
        response.end(bytesOf(large()));
        return true;
      },
    ];
    registry.rules = [
      ({ url, headers }, response) => {
        if (headers.authorization === undefined) {
          refuse(response, 401, "UNAUTHORIZED", { "WWW-Authenticate": 'Basic realm="x"' });
          return true;
        }
        if (!url.includes(large())) return false;
        response.writeHead(307, { Location: `http://${store.address}/blob` }).end();
        return true;
      },
    ];
    await house.pull(name, { auth: { username: "alice", password: "secret" } });
    expect(authorization).toBeUndefined();
  });
});

describe("a connection that breaks", () => {
  test("after every few bytes, the layer comes together from its parts", async () => {
    const bytes = bytesOf(large());
    const steps = [1, 2, 7, 511, 512, 513, 4096, 65_535, 65_536, 65_537, 50_000];
    let step = 0;
    registry.rules = [
      async (asked, response) => {
        const length = steps[step];
        if (!asked.url.includes(large()) || length === undefined) return false;
        step++;
        await cutAfter(bytes, length, asked, response, arrived);
        return true;
      },
    ];
    expect(await house.pull(name)).toContain("Downloaded newer image");
    expect(step).toBe(steps.length);
    const ranges = registry.asked.filter(({ url }) => url.includes(large())).map(({ headers }) => headers.range);
    expect(ranges.filter((range) => range !== undefined).length).toBe(steps.length);
  });

  test("a server that ignores the range is read again from the beginning", async () => {
    let first = true;
    registry.rules = [
      async (asked, response) => {
        if (!asked.url.includes(large())) return false;
        if (first) await cutAfter(bytesOf(large()), 100_000, asked, response, arrived);
        else response.end(bytesOf(large()));
        first = false;
        return true;
      },
    ];
    await house.pull(name);
    expect(await house.images.inspect(name, { manifests: false, platform: undefined })).toBeDefined();
  });

  test("a server that answers with another range is refused", async () => {
    let first = true;
    registry.rules = [
      async (asked, response) => {
        if (!asked.url.includes(large())) return false;
        const bytes = bytesOf(large());
        if (first) await cutAfter(bytes, 100_000, asked, response, arrived);
        else
          response
            .writeHead(206, { "Content-Range": `bytes 200000-${bytes.length - 1}/${bytes.length}` })
            .end(bytes.subarray(200_000));
        first = false;
        return true;
      },
    ];
    expect((await failure(house.pull(name))).message).toContain("another part");
    await expectNothing();
  });

  test("a pull goes on after the engine was restarted", async () => {
    house.settings = { ...house.settings, maxDownloadAttempts: 1 };
    registry.rules = [
      async (asked, response) => {
        if (!asked.url.includes(large())) return false;
        await cutAfter(bytesOf(large()), 150_000, asked, response, arrived);
        return true;
      },
    ];
    await failure(house.pull(name));
    await expectNothing();
    registry.rules = [];
    registry.asked.length = 0;
    const next = await TestHouse.open(house.root);
    await next.pull(name);
    const asked = registry.asked.find(({ url }) => url.includes(large()));
    expect(asked?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect((await next.files()).filter((path) => path.startsWith("tmp/"))).toEqual(["tmp/partial"]);
  });

  test("a server that holds the connection open and says nothing is left", async () => {
    registry.rules = [
      ({ url }, response) => {
        if (!url.includes(large())) return false;
        response.writeHead(200, { "Content-Length": bytesOf(large()).length });
        response.write(bytesOf(large()).subarray(0, 10));
        return true;
      },
    ];
    const repository = new Repository({
      domain: registry.address,
      path: "app",
      auth: undefined,
      settings: house.settings,
      userAgent: "test",
    });
    const blob = { digest: sha256(bytesOf(large())), size: bytesOf(large()).length };
    const path = `${house.root}/silent`;
    const options = { signal: NEVER, attempts: 1, onProgress: () => undefined, idleMs: 50 };
    const read = async () => {
      for await (const chunk of download(repository, blob, path, options)) expect(chunk.length).toBe(10);
    };
    expect((await failure(read())).message).toContain("sent nothing");
    await rm(path, { force: true });
  });
});

describe("a registry under load", () => {
  for (const status of [429, 500, 502, 503, 504]) {
    test(`${status} is asked again`, async () => {
      let refused = 0;
      registry.rules = [
        (_, response) => {
          if (refused++ % 3 !== 0) return false;
          refuse(response, status, "TOOMANYREQUESTS", { "Retry-After": "0" });
          return true;
        },
      ];
      expect(await house.pull(name)).toContain("Downloaded newer image");
      expect(refused).toBeGreaterThan(3);
    });
  }

  test("one that does not recover is named", async () => {
    house.settings = { ...house.settings, maxDownloadAttempts: 2 };
    registry.rules = [
      (_, response) => {
        refuse(response, 503, "UNAVAILABLE", { "Retry-After": "0" });
        return true;
      },
    ];
    const error = await failure(house.pull(name));
    expect(error.code).toBe("unavailable");
    registry.rules = [
      (_, response) => {
        refuse(response, 429, "TOOMANYREQUESTS", { "Retry-After": "0" });
        return true;
      },
    ];
    expect((await failure(house.pull(name))).message).toContain("toomanyrequests");
  });
});

describe("several pulls at once", () => {
  test("share one download", async () => {
    await Promise.all([house.pull(name), house.pull(name), house.pull(name)]);
    expect(registry.count("GET", large())).toBe(1);
  });

  test("go on when the one that began it leaves, and end with the last", async () => {
    const started = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    registry.rules = [
      async ({ url }, response) => {
        if (!url.includes(large())) return false;
        response.on("close", () => closed.resolve());
        response.writeHead(200, { "Content-Length": bytesOf(large()).length });
        response.write(bytesOf(large()).subarray(0, 1000));
        started.resolve();
        await release.promise;
        response.end(bytesOf(large()).subarray(1000));
        return true;
      },
    ];
    const [first, second] = [new AbortController(), new AbortController()];
    const leaving = failure(house.pull(name, {}, first.signal).catch((error) => Promise.reject(asHoy(error))));
    const joined = Promise.withResolvers<void>();
    const stay = async () => {
      let said = "";
      const options = { platform: undefined, auth: undefined, allTags: false };
      for await (const { status, id } of await house.images.pull(name, options, second.signal)) {
        said += status;
        if (status === "Pulling fs layer" && large().includes(id ?? "none")) joined.resolve();
      }
      return said;
    };
    const staying = stay();
    await Promise.all([started.promise, joined.promise]);
    first.abort();
    await leaving;
    release.resolve();
    expect(await staying).toContain("Downloaded newer image");
    expect(registry.count("GET", large())).toBe(1);
    await closed.promise;
  });

  test("that are all cancelled close the connection", async () => {
    const [started, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    registry.rules = [
      ({ url }, response) => {
        if (!url.includes(large())) return false;
        response.on("close", () => closed.resolve());
        response.writeHead(200, { "Content-Length": bytesOf(large()).length });
        response.write(bytesOf(large()).subarray(0, 1000));
        started.resolve();
        return true;
      },
    ];
    const controller = new AbortController();
    const pull = house.pull(name, {}, controller.signal).catch((error: unknown) => error);
    await started.promise;
    controller.abort();
    expect(await pull).toBeInstanceOf(Error);
    await closed.promise;
    await expectNothing();
  });
});

describe("what is pulled", () => {
  for (const packing of ["gzip", "zstd", "plain"] as const) {
    test(`${packing} layers`, async () => {
      registry.put("packed", "v1", TARS, packing);
      const out = await house.pull(`${registry.address}/packed:v1`);
      expect(out).toContain("Downloaded newer image");
    });
  }

  test("all tags", async () => {
    registry.put("app", "v2", [tar({ two: "2" })]);
    await house.pull(`${registry.address}/app`, { allTags: true });
    for (const tag of ["v1", "v2"]) {
      const found = await house.images.inspect(`${registry.address}/app:${tag}`, {
        manifests: false,
        platform: undefined,
      });
      expect(found.RepoTags).toContain(`${registry.address}/app:${tag}`);
    }
  });
});

describe("mirrors", () => {
  test("of any registry are asked first, and what they have not comes from the registry", async () => {
    await using mirror = await TestRegistry.start();
    house.settings = { ...house.settings, mirrors: [`${registry.address}=http://${mirror.address}`] };
    await house.pull(name);
    expect(mirror.count("GET", "/manifests/v1")).toBe(1);
    expect(registry.count("GET", large())).toBe(1);
  });

  test("serve what they have; the registry is not asked", async () => {
    await using mirror = await TestRegistry.start();
    mirror.put("app", "v1", TARS);
    house.settings = { ...house.settings, mirrors: [`*=http://${mirror.address}`] };
    await house.pull(name, { auth: { username: "alice", password: "secret" } });
    expect(registry.asked.length).toBe(0);
    expect(mirror.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  test("that are down or lie about a manifest are passed over", async () => {
    const gone = await TestRegistry.start();
    const { address } = gone;
    await gone[Symbol.asyncDispose]();
    house.settings = { ...house.settings, maxDownloadAttempts: 1, mirrors: [`*=http://${address}`] };
    expect(await house.pull(name)).toContain("Downloaded newer image");
  });
});

describe("peers", () => {
  let peer: TestRegistry;
  beforeEach(async () => {
    peer = await TestRegistry.start();
    peer.put("app", "v1", TARS);
    house.settings = { ...house.settings, mirrors: [`peer+http://${peer.address}`] };
  });
  afterEach(() => peer[Symbol.asyncDispose]());

  test("are asked for what has a digest, with the registry's name and no credentials; the registry says what a tag is", async () => {
    await house.pull(name, { auth: { username: "alice", password: "secret" } });
    expect(registry.asked.map(({ url }) => url)).toEqual(["/v2/app/manifests/v1"]);
    expect(peer.count("GET", "/blobs/")).toBe(3);
    const ns = new URLSearchParams({ ns: registry.address });
    expect(peer.asked.every(({ url }) => url.endsWith(`?${ns}`))).toBe(true);
    expect(peer.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  test("need not have anything, nor be there", async () => {
    peer.blobs.delete(large());
    await house.pull(name);
    expect(registry.count("GET", large())).toBe(1);
    expect(peer.count("GET", "/blobs/")).toBe(3);
    await house.images.remove(name, { force: false, prune: true });
    await peer[Symbol.asyncDispose]();
    await house.pull(name);
    expect(registry.count("GET", large())).toBe(2);
  });

  test("that are just fetching a layer are waited for; one that gives it up is not", async () => {
    const token = "0".repeat(32);
    let left = 3;
    const busy: Rule = ({ url }, response) => {
      if (!url.includes(large()) || left-- <= 0) return false;
      response.writeHead(404, { "Hoy-Coming": `${token} receiving ${3 - left}` }).end();
      return true;
    };
    peer.rules = [busy];
    await house.pull(name);
    expect([registry.count("GET", large()), peer.count("GET", large())]).toEqual([0, 4]);
    await house.images.remove(name, { force: false, prune: true });
    left = 2;
    peer.blobs.delete(large());
    await house.pull(name);
    expect([registry.count("GET", large()), peer.count("GET", large())]).toEqual([1, 7]);
  });

  test("stand in for a registry that can't be reached", async () => {
    await registry[Symbol.asyncDispose]();
    house.settings = { ...house.settings, maxDownloadAttempts: 1 };
    expect(await house.pull(name)).toContain("Downloaded newer image");
  });

  test.each(["manifest", "layer"])("that lie about a %s fail nothing, and are left alone", async (what) => {
    const [digest = ""] = what === "layer" ? [large()] : [manifestDigest("app:v1")];
    const lie = randomBytes(bytesOf(large()).length);
    peer.rules = [
      ({ url }, response) => {
        if (!url.includes(digest)) return false;
        response.writeHead(200, { "Content-Length": lie.length }).end(lie);
        return true;
      },
    ];
    const asked = what === "layer" ? name : `${registry.address}/app@${digest}`;
    await house.pull(asked);
    expect(registry.count("GET", digest)).toBe(1);
    const before = peer.asked.length;
    await house.images.remove(asked, { force: false, prune: true });
    await house.pull(name);
    expect(peer.asked.length).toBe(before);
  });

  test("that break off are followed by the registry, from there on", async () => {
    peer.rules = [
      async (asked, response) => {
        if (!asked.url.includes(large())) return false;
        await cutAfter(bytesOf(large()), 100_000, asked, response, arrived);
        return true;
      },
    ];
    await house.pull(name);
    expect(registry.asked.find(({ url }) => url.includes(large()))?.headers.range).toBe("bytes=100000-");
  });

  test("that lead elsewhere are not followed", async () => {
    peer.rules = [
      (_, response) => {
        response.writeHead(307, { Location: `http://${registry.address}/v2/secret` }).end();
        return true;
      },
    ];
    await house.pull(name);
    expect(registry.count("GET", "/secret")).toBe(0);
  });

  const manifestDigest = (reference: string) => sha256(registry.manifests.get(reference)?.bytes ?? "");
});

function asHoy(error: unknown): HoyError {
  return error instanceof HoyError ? error : new HoyError("cancelled", String(error));
}

/** A manifest whose one layer is this one, with the config of an image of another. */
const TestRegistryImages = {
  swapConfig(from: TestRegistry, layer: string): Uint8Array {
    const other = from.manifests.get("other:v1");
    const manifest = JSON.parse(Buffer.from(other?.bytes ?? "").toString());
    const bytes = from.blobs.get(layer) ?? Buffer.alloc(0);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(layer.slice("sha256:".length));
    manifest.layers = [{ ...manifest.layers[0], digest: layer, size: bytes.length }];
    return Buffer.from(JSON.stringify(manifest));
  },
};
