// The end-points over HTTP, as a client sees them (OCI distribution spec 1.1): statuses, headers, error codes.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { digestOf, imageOf, OCI_MANIFEST, refusal, TestRegistry } from "./testing.ts";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await TestRegistry.start();
});
afterAll(() => registry[Symbol.asyncDispose]());

const begin = async (name: string) => {
  const response = await registry.request("POST", `/v2/${name}/blobs/uploads/`);
  expect(response.status).toBe(202);
  return response.headers.get("location") ?? "";
};

test("the base says that this is a registry", async () => {
  const response = await registry.request("GET", "/v2/");
  expect(response.status).toBe(200);
  expect(response.headers.get("docker-distribution-api-version")).toBe("registry/2.0");
  expect((await registry.request("GET", "/v1/")).status).toBe(404);
  expect(await refusal(await registry.request("PATCH", "/v2/"))).toEqual([405, "UNSUPPORTED"]);
});

describe("blobs", () => {
  test("whole, by range, and not again when the caller has it", async () => {
    const digest = await registry.pushBlob("blobs/get", "0123456789");
    const path = `/v2/blobs/get/blobs/${digest}`;
    const whole = await registry.request("GET", path);
    expect(await whole.text()).toBe("0123456789");
    expect(whole.headers.get("docker-content-digest")).toBe(digest);
    const etag = whole.headers.get("etag") ?? "";
    const part = await registry.request("GET", path, { headers: { Range: "bytes=3-5" } });
    expect([part.status, await part.text()]).toEqual([206, "345"]);
    expect(part.headers.get("content-range")).toBe("bytes 3-5/10");
    const tail = await registry.request("GET", path, { headers: { Range: "bytes=-2" } });
    expect(await tail.text()).toBe("89");
    const past = await registry.request("GET", path, { headers: { Range: "bytes=10-" } });
    expect([past.status, past.headers.get("content-range")]).toEqual([416, "bytes */10"]);
    expect((await registry.request("GET", path, { headers: { "If-None-Match": etag } })).status).toBe(304);
    const stale = await registry.request("GET", path, { headers: { Range: "bytes=3-5", "If-Range": '"other"' } });
    expect([stale.status, await stale.text()]).toEqual([200, "0123456789"]);
    const head = await registry.request("HEAD", path);
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "10"]);
  });

  test("unknown ones, other repositories' and impossible ones", async () => {
    const digest = await registry.pushBlob("blobs/own", "mine");
    expect(await refusal(await registry.request("GET", `/v2/blobs/other/blobs/${digest}`))).toEqual([
      404,
      "BLOB_UNKNOWN",
    ]);
    expect(await refusal(await registry.request("GET", "/v2/a/blobs/md5:abc"))).toEqual([400, "DIGEST_INVALID"]);
    expect(await refusal(await registry.request("GET", `/v2/UPPER/blobs/${digest}`))).toEqual([400, "NAME_INVALID"]);
    expect(await refusal(await registry.request("GET", `/v2/a%2f..%2fb/blobs/${digest}`))).toEqual([
      400,
      "NAME_INVALID",
    ]);
    expect((await registry.request("DELETE", `/v2/blobs/own/blobs/${digest}`)).status).toBe(202);
    expect((await registry.request("GET", `/v2/blobs/own/blobs/${digest}`)).status).toBe(404);
  });

  test("mounted from a repository that has it, else an upload begins", async () => {
    const digest = await registry.pushBlob("mount/from", "shared");
    const query = `mount=${digest}&from=mount/from`;
    const response = await registry.request("POST", `/v2/mount/to/blobs/uploads/?${query}`);
    expect([response.status, response.headers.get("location")]).toEqual([201, `/v2/mount/to/blobs/${digest}`]);
    const missing = await registry.request(
      "POST",
      `/v2/mount/to/blobs/uploads/?mount=${digestOf("no")}&from=mount/from`,
    );
    expect(missing.status).toBe(202);
  });
});

describe("uploads", () => {
  test("in chunks that fit; one that does not is told where to go on", async () => {
    const location = await begin("up/chunks");
    const send = (range: string, body: string) =>
      registry.request("PATCH", location, { body, headers: { "Content-Range": range } });
    const first = await send("0-2", "hel");
    expect([first.status, first.headers.get("range")]).toEqual([202, "0-2"]);
    const wrong = await send("7-8", "lo");
    expect([wrong.status, wrong.headers.get("range")]).toEqual([416, "0-2"]);
    expect((await send("3-9", "lo")).status).toBe(416);
    const status = await registry.request("GET", location);
    expect([status.status, status.headers.get("range")]).toEqual([204, "0-2"]);
    const end = await registry.request("PUT", `${location}?digest=${digestOf("hello")}`, {
      body: "lo",
      headers: { "Content-Range": "3-4" },
    });
    expect([end.status, end.headers.get("docker-content-digest")]).toEqual([201, digestOf("hello")]);
    expect(await refusal(await registry.request("GET", location))).toEqual([404, "BLOB_UPLOAD_UNKNOWN"]);
  });

  test("of the wrong digest, given up, of another repository, without a digest", async () => {
    const wrong = await begin("up/wrong");
    const answer = await registry.request("PUT", `${wrong}?digest=${digestOf("other")}`, { body: "hello" });
    expect(await refusal(answer)).toEqual([400, "DIGEST_INVALID"]);
    const given = await begin("up/wrong");
    expect((await registry.request("DELETE", given)).status).toBe(204);
    expect((await registry.request("PATCH", given, { body: "x" })).status).toBe(404);
    const other = await begin("up/one");
    expect((await registry.request("PATCH", other.replace("up/one", "up/two"), { body: "x" })).status).toBe(404);
    expect(await refusal(await registry.request("PUT", other))).toEqual([400, "DIGEST_INVALID"]);
    expect((await registry.request("GET", "/v2/up/one/blobs/uploads/..%2f..%2fregistry.db")).status).toBe(404);
  });

  test("a connection that is cut keeps what came, and the upload goes on", async () => {
    const data = Buffer.alloc(3 * 1024 * 1024, "hoy");
    const location = await begin("up/cut");
    const { hostname, port } = new URL(registry.url);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => undefined);
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: ${data.length}\r\n\r\n`);
    socket.write(data.subarray(0, data.length - 1000));
    const received = async () => {
      const range = (await registry.request("GET", location)).headers.get("range") ?? "";
      return Number(range.replace("0-", "")) + 1;
    };
    while ((await received()) === 1) await Bun.sleep(10);
    socket.destroy();
    const next = async () => {
      const at = await received();
      const headers = { "Content-Range": `${at}-${data.length - 1}` };
      return registry.request("PUT", `${location}?digest=${digestOf(data)}`, { body: data.subarray(at), headers });
    };
    // Refused until the server has seen that the first connection is gone.
    let end = await next();
    while (end.status === 409 || end.status === 416) {
      await Bun.sleep(10);
      end = await next();
    }
    expect(end.status).toBe(201);
    const got = await registry.request("GET", `/v2/up/cut/blobs/${digestOf(data)}`);
    expect(Buffer.from(await got.arrayBuffer()).equals(data)).toBe(true);
  });
});

describe("manifests", () => {
  test("come back byte for byte, by tag and digest, under the type they came with", async () => {
    const { digest, text, response } = await registry.pushImage("man/get", "v1");
    expect(response.headers.get("location")).toBe("/v2/man/get/manifests/v1");
    for (const reference of ["v1", digest]) {
      const got = await registry.request("GET", `/v2/man/get/manifests/${reference}`);
      expect(await got.text()).toBe(text);
      expect(got.headers.get("content-type")).toBe(OCI_MANIFEST);
      expect(got.headers.get("docker-content-digest")).toBe(digest);
    }
    const head = await registry.request("HEAD", "/v2/man/get/manifests/v1");
    expect(head.headers.get("content-length")).toBe(String(text.length));
    const headers = { "If-None-Match": `"${digest}"` };
    expect((await registry.request("GET", "/v2/man/get/manifests/v1", { headers })).status).toBe(304);
  });

  test("by sha512, with tags beside", async () => {
    const [config, layer] = [await registry.pushBlob("man/512", "{}"), await registry.pushBlob("man/512", "l")];
    const text = JSON.stringify(imageOf(config, layer, 1));
    const response = await registry.putManifest("man/512", `${digestOf(text, "sha512")}?tag=a&tag=b`, text);
    expect([response.status, response.headers.get("oci-tag")]).toEqual([201, "a, b"]);
    const got = await registry.request("GET", "/v2/man/512/manifests/b");
    expect(got.headers.get("docker-content-digest")).toBe(digestOf(text, "sha512"));
  });

  test("that can't be right are refused", async () => {
    const put = async (reference: string, body: object | string, type?: string) =>
      refusal(await registry.putManifest("man/bad", reference, body, type));
    const image = imageOf(digestOf("a"), digestOf("b"), 1);
    expect(await put("v1", image)).toEqual([404, "MANIFEST_BLOB_UNKNOWN"]);
    expect(await put("v1", "{")).toEqual([400, "MANIFEST_INVALID"]);
    expect(await put("v1", { ...image, schemaVersion: 1 })).toEqual([400, "MANIFEST_INVALID"]);
    expect(await put("v1", { ...image, manifests: [] })).toEqual([400, "MANIFEST_INVALID"]);
    expect(await put("v1", image, "text/plain")).toEqual([400, "MANIFEST_INVALID"]);
    expect(await put(".bad", image)).toEqual([400, "MANIFEST_INVALID"]);
    expect(await put(digestOf("x"), { ...image, layers: [] })).toEqual([400, "DIGEST_INVALID"]);
    expect(await put("v1", " ".repeat(4 * 1024 * 1024 + 1))).toEqual([413, "MANIFEST_INVALID"]);
    expect((await registry.request("GET", "/v2/man/bad/tags/list")).status).toBe(404);
  });
});

describe("lists", () => {
  test("tags in pages, in order", async () => {
    for (const tag of ["b", "a", "c", "B"]) await registry.pushImage("list/tags", tag);
    const first = await registry.request("GET", "/v2/list/tags/tags/list?n=3");
    expect(await first.json()).toEqual({ name: "list/tags", tags: ["B", "a", "b"] });
    const next = /^<(.+)>; rel="next"$/.exec(first.headers.get("link") ?? "")?.[1] ?? "";
    const second = await registry.request("GET", next);
    expect(await second.json()).toEqual({ name: "list/tags", tags: ["c"] });
    expect(second.headers.get("link")).toBeNull();
    expect((await registry.request("GET", "/v2/list/tags/tags/list?n=x")).status).toBe(400);
  });

  test("referrers of a manifest, by type", async () => {
    const { digest } = await registry.pushImage("list/ref", "v1");
    const subject = { mediaType: OCI_MANIFEST, digest, size: 1 };
    const more = { subject, artifactType: "application/sbom", annotations: { by: "me" } };
    const sbom = await registry.pushImage("list/ref", "sbom", "s", more);
    expect(sbom.response.headers.get("oci-subject")).toBe(digest);
    await registry.pushImage("list/ref", "sig", "g", { subject, artifactType: "application/signature" });
    const all = await registry.request("GET", `/v2/list/ref/referrers/${digest}`);
    expect(all.headers.get("content-type")).toBe("application/vnd.oci.image.index.v1+json");
    expect(((await all.json()) as { manifests: object[] }).manifests).toHaveLength(2);
    const some = await registry.request("GET", `/v2/list/ref/referrers/${digest}?artifactType=application/sbom`);
    expect(some.headers.get("oci-filters-applied")).toBe("artifactType");
    expect(await some.json()).toMatchObject({
      manifests: [{ digest: sbom.digest, artifactType: "application/sbom", annotations: { by: "me" } }],
    });
    const none = await registry.request("GET", `/v2/list/ref/referrers/${digestOf("nothing")}`);
    expect(await none.json()).toMatchObject({ manifests: [] });
  });

  test("repositories in pages", async () => {
    await registry.pushBlob("aaa/one", "1");
    await registry.pushBlob("aaa/two", "2");
    const response = await registry.request("GET", "/v2/_catalog?n=2");
    expect(await response.json()).toEqual({ repositories: ["aaa/one", "aaa/two"] });
    expect(response.headers.get("link")).toContain("last=aaa%2Ftwo");
  });
});
