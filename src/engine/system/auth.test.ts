import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { RegistrySettings } from "../../base/settings.ts";
import { checkCredentials, registryDomain } from "./auth.ts";

const settings: RegistrySettings = {
  mirrors: [],
  insecure: ["127.0.0.0/8"],
  certsDirs: [],
  maxDownloads: 1,
  maxUploads: 1,
  maxDownloadAttempts: 1,
};

/** A registry that knows ann, by Basic or through a token server on the same address. */
function registry(scheme: "basic" | "bearer") {
  const good = `Basic ${btoa("ann:secret")}`;
  const refused = (challenge: string) =>
    Response.json(
      { errors: [{ code: "UNAUTHORIZED", message: "incorrect username or password" }] },
      { status: 401, headers: { "WWW-Authenticate": challenge } },
    );
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch(request) {
      const { pathname, origin } = new URL(request.url);
      const sent = request.headers.get("authorization");
      if (pathname === "/token") {
        return sent === good ? Response.json({ token: "t", refresh_token: "r" }) : refused("Basic");
      }
      if (sent === good && scheme === "basic") return new Response("{}");
      return refused(scheme === "basic" ? 'Basic realm="x"' : `Bearer realm="${origin}/token",service="s"`);
    },
  });
}

let basic: ReturnType<typeof registry>;
let bearer: ReturnType<typeof registry>;
beforeAll(() => {
  basic = registry("basic");
  bearer = registry("bearer");
});
afterAll(async () => {
  await basic.stop(true);
  await bearer.stop(true);
});

describe("login", () => {
  const login = (port: number | undefined, password: string) =>
    checkCredentials({ username: "ann", password, serveraddress: `127.0.0.1:${port}` }, settings);

  test("by Basic", async () => {
    expect(await login(basic.port, "secret")).toEqual({ Status: "Login Succeeded", IdentityToken: "" });
    await expect(login(basic.port, "wrong")).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("by a token server, which gives a token for the password", async () => {
    expect(await login(bearer.port, "secret")).toEqual({ Status: "Login Succeeded", IdentityToken: "r" });
    await expect(login(bearer.port, "wrong")).rejects.toMatchObject({ code: "unauthorized" });
  });

  test("nobody there", async () => {
    await expect(login(1, "secret")).rejects.toMatchObject({ code: "unavailable" });
  });
});

test("addresses as users write them", () => {
  expect(registryDomain("https://index.docker.io/v1/")).toBe("docker.io");
  expect(registryDomain("")).toBe("docker.io");
  expect(registryDomain("http://r.example:5000/v2/")).toBe("r.example:5000");
  expect(registryDomain("r.example")).toBe("r.example");
});
