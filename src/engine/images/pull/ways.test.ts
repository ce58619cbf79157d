// The ways to a registry: over TLS with a private CA and client certificates (certs.d), and through proxies.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { certificates } from "../../../../test/harness/certificates.ts";
import { describeWith } from "../../../../test/harness/needs.ts";
import { TestHouse, tar } from "../testing.ts";
import { TestRegistry } from "./testing-registry.ts";

const TARS = [tar({ "etc/motd": "hello" })];
// TEST-NET-3: nobody's, and so only to be reached through a proxy.
const FAR = "203.0.113.7";
const pki = await certificates([FAR]);
const pem = (name: string) => readFileSync(join(pki, name), "utf8");

let house: TestHouse;
beforeEach(async () => {
  house = await TestHouse.open();
  house.settings = { ...house.settings, maxDownloadAttempts: 1, certsDirs: [join(house.root, "certs.d")] };
});
afterEach(() => house[Symbol.asyncDispose]());

/** Gives the registry at `host` these files of the PKI: name in certs.d → name there. */
function certsOf(host: string, files: Readonly<Record<string, string>>): void {
  const directory = join(house.root, "certs.d", host);
  mkdirSync(directory, { recursive: true });
  for (const [name, from] of Object.entries(files)) copyFileSync(join(pki, from), join(directory, name));
}

describeWith("openssl", "certs.d", () => {
  const server = () => ({ cert: pem("server.pem"), key: pem("server.key") });
  const withClients = () => ({ ...server(), ca: pem("ca.pem"), requestCert: true, rejectUnauthorized: true });
  const strict = (host: string) => ({ ...house.settings, insecure: [], host });

  /** A registry of this address is not taken for insecure, as loopback is: through a proxy it is far away. */
  async function far(tls: ReturnType<typeof server>, work: (name: string) => Promise<void>): Promise<void> {
    await using registry = await TestRegistry.start("127.0.0.1", tls);
    registry.put("app", "v1", TARS);
    await using proxy = await TestProxy.start(registry.address);
    await withEnv({ HTTPS_PROXY: proxy.url }, () => work(`${FAR}:5000/app:v1`));
  }

  test("a private CA is trusted for its registry, and for no other", async () => {
    await far(server(), async (name) => {
      await expect(house.pull(name)).rejects.toThrow(/certificate/i);
      certsOf("other.example:5000", { "ca.crt": "ca.pem" });
      await expect(house.pull(name)).rejects.toThrow(/certificate/i);
      certsOf(`${FAR}:5000`, { "ca.crt": "other.pem" });
      await expect(house.pull(name)).rejects.toThrow(/certificate/i);
      certsOf(`${FAR}:5000`, { "ca.crt": "ca.pem" });
      expect(await house.pull(name)).toContain("Downloaded newer image");
    });
  });

  test("a client certificate opens a registry that asks for one", async () => {
    await far(withClients(), async (name) => {
      certsOf(`${FAR}:5000`, { "ca.crt": "ca.pem" });
      await expect(house.pull(name)).rejects.toThrow("failed to do request");
      certsOf(`${FAR}:5000`, { "client.cert": "stranger.pem", "client.key": "stranger.key" });
      await expect(house.pull(name)).rejects.toThrow("failed to do request");
      certsOf(`${FAR}:5000`, { "client.cert": "client.pem", "client.key": "client.key" });
      expect(await house.pull(name)).toContain("Downloaded newer image");
      await house.images.tag(name, `${FAR}:5000/copy`, "v2");
      expect(await house.push(`${FAR}:5000/copy:v2`)).toContain("digest: sha256:");
    });
  });

  test("an insecure registry's certificate is not checked", async () => {
    await far(server(), async (name) => {
      house.settings = { ...strict(name), insecure: ["203.0.113.0/24"] };
      expect(await house.pull(name)).toContain("Downloaded newer image");
    });
  });
});

describe("proxies", () => {
  let registry: TestRegistry;
  let proxy: TestProxy;
  beforeEach(async () => {
    registry = await TestRegistry.start();
    registry.put("app", "v1", TARS);
    proxy = await TestProxy.start(registry.address);
    house.settings = { ...house.settings, insecure: ["registry.invalid:5000"] };
  });
  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  test("are asked for names that only they know, with their own password", async () => {
    const url = proxy.url.replace("http://", "http://me:secret@");
    await withEnv({ HTTP_PROXY: url, HTTPS_PROXY: url }, async () => {
      expect(await house.pull("registry.invalid:5000/app:v1")).toContain("Downloaded newer image");
    });
    expect(proxy.asked).toContain("GET http://registry.invalid:5000/v2/app/manifests/v1");
    expect(proxy.passwords).toContain(`Basic ${Buffer.from("me:secret").toString("base64")}`);
    expect(registry.asked.every(({ headers }) => headers["proxy-authorization"] === undefined)).toBe(true);
  });

  test("are not asked for what NO_PROXY names, nor for this host", async () => {
    await withEnv({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url, NO_PROXY: ".invalid" }, async () => {
      await expect(house.pull("registry.invalid:5000/app:v1")).rejects.toThrow("failed to do request");
      expect(await house.pull(`${registry.address}/app:v1`)).toContain("Downloaded newer image");
    });
    expect(proxy.asked).toEqual([]);
  });

  test("that are down are an error", async () => {
    await withEnv({ HTTP_PROXY: "http://127.0.0.1:9", HTTPS_PROXY: "http://127.0.0.1:9" }, async () => {
      await expect(house.pull("registry.invalid:5000/app:v1")).rejects.toThrow("failed to do request");
    });
  });
});

/** A proxy for whom every host is one registry, plain and by CONNECT; one request a connection. */
class TestProxy implements AsyncDisposable {
  readonly asked: string[] = [];
  readonly passwords: string[] = [];
  readonly #target: string;
  readonly #open = new Set<Socket>();
  readonly #server = createServer((client) => this.#take(client));

  private constructor(target: string) {
    this.#target = target;
  }

  static async start(target: string): Promise<TestProxy> {
    const proxy = new TestProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  #take(client: Socket): void {
    this.#keep(client);
    let text = "";
    client.on("data", (data: Buffer) => {
      text += data.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      client.removeAllListeners("data");
      this.#pass(client, text.slice(0, end).split("\r\n"), Buffer.from(text.slice(end + 4), "latin1"));
    });
  }

  #pass(client: Socket, [line = "", ...headers]: readonly string[], rest: Buffer): void {
    const [method = "", url = ""] = line.split(" ");
    this.asked.push(`${method} ${url}`);
    const password = headers.find((header) => /^proxy-authorization:/i.test(header));
    if (password !== undefined) this.passwords.push(password.replace(/^[^:]*: */, ""));
    const [host = "", port] = this.#target.split(":");
    const far = connect(Number(port), host, () => {
      if (method === "CONNECT") client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      else {
        const own = headers.filter((header) => !/^(proxy-|connection:)/i.test(header));
        const { pathname, search } = new URL(url);
        far.write([`${method} ${pathname}${search} HTTP/1.1`, ...own, "Connection: close", "", ""].join("\r\n"));
      }
      if (rest.length > 0) far.write(rest);
      far.pipe(client);
      client.pipe(far);
    });
    this.#keep(far);
    far.on("error", () => client.destroy());
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#open.delete(socket));
  }
}

async function withEnv(values: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<void> {
  const before = Object.keys(values).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, values);
  try {
    await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
