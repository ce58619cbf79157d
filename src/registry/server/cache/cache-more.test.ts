// The cache beyond one process and one algorithm: a fetch that goes on after a restart, digests of sha512, and what upstream
// says refers to an image.

import { expect, test } from "bun:test";
import { digestOf, imageOf, OCI_MANIFEST, refusal, TestRegistry } from "../testing.ts";
import { big, cached } from "./testing.ts";

test("a fetch goes on where the registry's stop broke it off", async () => {
  await using set = await cached();
  const { layer } = await set.origin.pushImage("app", "v1", big("r"));
  await set.get("/v2/hub/app/manifests/v1");
  const path = `/v2/hub/app/blobs/${layer}`;
  const ranges: (string | undefined)[] = [];
  set.state.harm = (request, response, body) => {
    if (!request.url?.includes(`blobs/${layer}`)) return false;
    ranges.push(request.headers.range);
    if (ranges.length > 1) return false;
    // Two thirds, and silence.
    response.writeHead(200, { "Content-Length": body.length });
    response.write(body.subarray(0, 2 * 1024 * 1024));
    return true;
  };
  const reader = (await set.get(path)).body?.getReader();
  for (let come = 0; come < 1024 * 1024; ) come += (await reader?.read())?.value?.length ?? 0;
  const [upload = ""] = await set.uploads();
  expect(upload).not.toBe("");
  await reader?.cancel();
  await set.registry.stop();
  await using again = await TestRegistry.start({ root: set.registry.root });
  // Nobody else may write to what has a name that can be told.
  const foreign = await again.request("PATCH", `/v2/hub/app/blobs/uploads/${upload}`, { body: "x" });
  expect(await refusal(foreign)).toEqual([405, "UNSUPPORTED"]);
  expect((await (await again.request("GET", path)).text()) === big("r")).toBe(true);
  expect(ranges.length).toBe(2);
  expect(Number(/^bytes=(\d+)-$/.exec(ranges[1] ?? "")?.[1])).toBeGreaterThanOrEqual(1024 * 1024);
  expect(await set.uploads()).toEqual([]);
}, 60_000);

test("a beginning that is not the blob's is thrown away, and the next fetch begins anew", async () => {
  await using set = await cached();
  const { layer } = await set.origin.pushImage("app", "v1", big("s"));
  await set.get("/v2/hub/app/manifests/v1");
  const path = `/v2/hub/app/blobs/${layer}`;
  let asked = 0;
  set.state.harm = async (request, response, body) => {
    if (!request.url?.includes(`blobs/${layer}`)) return false;
    // Other bytes at first, then nothing at all: tries end, what came is kept.
    if (++asked === 1) {
      response.writeHead(200, { "Content-Length": body.length });
      response.write(Buffer.alloc(2 * 1024 * 1024, "x"));
      while ((await set.uploaded()) === 0) await Bun.sleep(20);
    }
    response.destroy();
    return true;
  };
  const attempt = async () => {
    const answer = await set.get(path);
    return answer.text().then(
      (text) => text === big("s"),
      () => "broken off",
    );
  };
  expect(await attempt()).toBe("broken off");
  set.state.harm = undefined;
  expect(await attempt()).toBe("broken off");
  expect(await attempt()).toBe(true);
}, 60_000);

test("manifests and blobs of sha512", async () => {
  await using set = await cached();
  const layer = digestOf(big("t"), "sha512");
  const config = await set.origin.pushBlob("app", "{}");
  const begun = `/v2/app/blobs/uploads/?digest=${layer}`;
  expect((await set.origin.request("POST", begun, { body: big("t") })).status).toBe(201);
  const text = JSON.stringify(imageOf(config, layer, big("t").length));
  const name = digestOf(text, "sha512");
  expect((await set.origin.putManifest("app", name, text)).status).toBe(201);
  const manifest = await set.get(`/v2/hub/app/manifests/${name}`);
  expect([manifest.status, manifest.headers.get("docker-content-digest")]).toEqual([200, name]);
  expect((await (await set.get(`/v2/hub/app/blobs/${layer}`)).text()) === big("t")).toBe(true);
  set.state.away = true;
  expect(await (await set.get(`/v2/hub/app/manifests/${name}`)).text()).toBe(text);
  expect((await set.get(`/v2/hub/app/blobs/${layer}`)).status).toBe(200);
  // What upstream gives under such a name is held to it.
  set.state.away = false;
  set.state.harm = (request, response) => {
    if (!request.url?.includes("/manifests/")) return false;
    response.writeHead(200, { "Content-Type": OCI_MANIFEST });
    response.end(text);
    return true;
  };
  expect((await set.get(`/v2/hub/app/manifests/${digestOf("another", "sha512")}`)).status).toBe(502);
}, 60_000);

test("referrers are upstream's, also of a registry that keeps them under a tag; without it, those that are here", async () => {
  await using set = await cached();
  const { digest } = await set.origin.pushImage("app", "v1");
  const subject = { mediaType: OCI_MANIFEST, digest, size: 1 };
  const about = (artifactType: string) => ({ artifactType, subject });
  const signature = await set.origin.pushImage("app", "sig", "a signature", about("application/sig"));
  const sbom = await set.origin.pushImage("app", "sbom", "an sbom", about("application/sbom"));
  const list = async (query = "") => {
    const answer = await set.get(`/v2/hub/app/referrers/${digest}${query}`);
    const { manifests } = (await answer.json()) as { manifests: { digest: string; artifactType: string }[] };
    return { digests: manifests.map((each) => each.digest), next: answer.headers.get("link") };
  };
  const both = [signature.digest, sbom.digest].sort();
  expect((await list()).digests).toEqual(both);
  expect((await list("?artifactType=application/sbom")).digests).toEqual([sbom.digest]);
  const page = await list("?n=1");
  expect(page.digests).toEqual(both.slice(0, 1));
  expect(page.next).toContain("referrers");
  expect(set.count("referrers")).toBe(1);
  expect((await set.get(`/v2/hub/app/manifests/${signature.digest}`)).status).toBe(200);

  await using old = await cached();
  const image = await old.origin.pushImage("app", "v1");
  const entry = { mediaType: OCI_MANIFEST, digest: signature.digest, size: 7, artifactType: "application/sig" };
  const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [entry] };
  old.state.harm = (request, response) => {
    if (request.url?.includes("/referrers/")) response.writeHead(404).end("{}");
    else if (request.url?.includes(`/manifests/${image.digest.replace(":", "-")}`))
      response.writeHead(200, { "Content-Type": index.mediaType }).end(JSON.stringify(index));
    else return false;
    return true;
  };
  const answer = await old.get(`/v2/hub/app/referrers/${image.digest}`);
  expect(((await answer.json()) as typeof index).manifests).toEqual([entry]);

  // Without upstream, and after what it said is forgotten: the referrer that was fetched is known here.
  set.state.away = true;
  await set.registry.stop();
  await using again = await TestRegistry.start({ root: set.registry.root });
  const here = await again.request("GET", `/v2/hub/app/referrers/${digest}`);
  expect(((await here.json()) as typeof index).manifests.map((each) => each.digest)).toEqual([signature.digest]);
}, 60_000);
