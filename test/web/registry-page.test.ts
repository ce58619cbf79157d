// The registry's web page in a real browser: what a reader sees, does by keyboard, and what a stranger can't do. With
// HOY_TEST_SCREENSHOTS=DIRECTORY each view is kept there as a picture, from phone to wide screen, light and dark.

import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { Accounts } from "../../src/registry/server/access/accounts.ts";
import { digestOf, imageOf, OCI_MANIFEST, TestRegistry } from "../../src/registry/server/testing.ts";
import { describeWith } from "../harness/needs.ts";

setDefaultTimeout(60_000);

const SCREENSHOTS = process.env.HOY_TEST_SCREENSHOTS;
const OFFLINE = ["background-networking", "component-update", "sync", "quic", "gpu"].map((what) => `--disable-${what}`);

const CONFIG = JSON.stringify({
  os: "linux",
  architecture: "amd64",
  created: "2026-01-02T03:04:05Z",
  config: {
    Entrypoint: ["/app"],
    Cmd: ["--listen", ":80"],
    Env: ["PATH=/usr/bin", "LANG=C"],
    User: "1000",
    ExposedPorts: { "80/tcp": {} },
    Labels: { "org.opencontainers.image.title": "<img src=x onerror=alert(1)>" },
  },
  history: [
    { created_by: "/bin/sh -c #(nop) ADD file:abc in / " },
    { created_by: "RUN /bin/sh -c make all # buildkit" },
    { created_by: 'ENTRYPOINT ["/app"]', empty_layer: true },
  ],
});
const basic = { Authorization: `Basic ${Buffer.from("alice:secret").toString("base64")}` };

describeWith("chromium", "the registry's page", () => {
  let registry: TestRegistry;
  let accounts: Accounts;
  let browser: Browser;
  const profile = mkdtempSync("/tmp/hoy-web-test-");

  beforeAll(async () => {
    registry = await TestRegistry.start({ users: true });
    accounts = new Accounts(registry.root);
    const hash = await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 });
    accounts.users.importHtpasswd(`alice:${hash}\nbob:${hash}\n`);
    accounts.grants.grant("", "alice/open", "read");
    for (const tag of ["v1", "v2", "latest"]) await push("alice/open", tag);
    await push("alice/closed", "v1");
    await pushIndex("alice/open", "multi");
    browser = await chromium.launch({
      executablePath: Bun.which("chromium") ?? "chromium",
      args: ["--no-sandbox", "--no-first-run", ...OFFLINE],
      env: { ...process.env, HOME: profile },
    });
  });
  afterAll(async () => {
    await browser?.close();
    accounts?.close();
    await registry?.[Symbol.asyncDispose]();
    rmSync(profile, { recursive: true, force: true });
  });

  async function push(name: string, tag: string) {
    const config = await registry.pushBlob(name, CONFIG, basic);
    const layers = [
      await registry.pushBlob(name, `base of ${tag}`, basic),
      await registry.pushBlob(name, "x".repeat(9000), basic),
    ];
    const base = imageOf(config, layers[0] ?? "", `base of ${tag}`.length);
    const second = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layers[1], size: 9000 };
    const document = { ...base, config: { ...base.config, size: CONFIG.length }, layers: [...base.layers, second] };
    const text = JSON.stringify(document);
    await put(name, tag, text, OCI_MANIFEST);
    return { digest: digestOf(text), size: text.length };
  }

  async function pushIndex(name: string, tag: string) {
    const { digest, size } = await push(name, "v1");
    const manifests = [{ mediaType: OCI_MANIFEST, digest, size, platform: { os: "linux", architecture: "amd64" } }];
    const type = "application/vnd.oci.image.index.v1+json";
    await put(name, tag, JSON.stringify({ schemaVersion: 2, mediaType: type, manifests }), type);
  }

  async function put(name: string, tag: string, body: string, type: string) {
    const response = await registry.request("PUT", `/v2/${name}/manifests/${tag}`, {
      body,
      headers: { ...basic, "Content-Type": type },
    });
    expect(response.status).toBe(201);
  }

  /** A window of its own; whatever its console or its policy complains of fails the test. */
  async function opened(options: Parameters<Browser["newContext"]>[0] = {}) {
    const context: BrowserContext = await browser.newContext(options);
    const page: Page = await context.newPage();
    const complaints: string[] = [];
    // The browser itself notes every answer that is an error; those are the registry's to give.
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
        complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("dialog", (dialog) => complaints.push(`a script ran: ${dialog.message()}`));
    await page.goto(registry.url);
    return {
      page,
      async [Symbol.asyncDispose]() {
        await context.close();
        expect(complaints).toEqual([]);
      },
    };
  }

  async function signedIn(page: Page, name = "alice") {
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill("secret");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText(name, { exact: true }).waitFor();
  }

  const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { level: 1, name }).waitFor();

  test("a stranger sees what is public: repository, tags, image, layers, history", async () => {
    await using window = await opened();
    const { page } = window;
    await page.getByRole("link", { name: "alice/open" }).click();
    await heading(page, /^alice\/open/);
    expect(await page.getByText("alice/closed").count()).toBe(0);
    expect(await page.getByRole("button", { name: /Delete/ }).count()).toBe(0);
    await page.getByRole("link", { name: "v2", exact: true }).click();
    await heading(page, "alice/open:v2");
    const host = new URL(registry.url).host;
    await page.getByText(`docker pull ${host}/alice/open:v2`).waitFor();
    await page.getByRole("heading", { name: "Layers" }).waitFor();
    await page.getByText("9 kB", { exact: true }).first().waitFor();
    await page.getByText("ADD file:abc in /").waitFor();
    await page.getByText("RUN make all", { exact: true }).waitFor();
    await page.getByText('["--listen",":80"]').waitFor();
    // What somebody pushed is text here, never markup.
    await page.getByText("<img src=x onerror=alert(1)>").waitFor();
    await page.goBack();
    await page.getByRole("link", { name: "multi" }).click();
    await page.getByRole("link", { name: "linux/amd64" }).click();
    await heading(page, /alice\/open@sha256:/);
  });

  test("signing in shows what is one's own, wrong passwords say so, signing out takes it away", async () => {
    await using window = await opened();
    const { page } = window;
    await page.getByRole("link", { name: "Sign in" }).click();
    await page.getByLabel("Name").fill("alice");
    await page.getByLabel("Password").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").getByText("Name or password is wrong.").waitFor();
    await page.getByLabel("Password").fill("secret");
    await page.keyboard.press("Enter");
    await page.getByRole("link", { name: "alice/closed" }).waitFor();
    await page.reload();
    await page.getByRole("link", { name: "alice/closed" }).waitFor();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("link", { name: "Sign in" }).waitFor();
    await page.getByRole("link", { name: "alice/open" }).waitFor();
    expect(await page.getByRole("link", { name: "alice/closed" }).count()).toBe(0);
    await page.goto(`${registry.url}/#/alice/closed`);
    await page.getByRole("alert").first().getByText("Sign in to see this.").waitFor();
  });

  test("a deletion is asked about first; no and Escape leave everything, yes removes it", async () => {
    await push("alice/gone", "one");
    await push("alice/gone", "two");
    await using window = await opened();
    const { page } = window;
    await signedIn(page);
    await page.getByRole("link", { name: "alice/gone" }).click();
    const button = page.getByRole("button", { name: "Delete tag one of alice/gone" });
    await button.click();
    const dialog = page.getByRole("dialog", { name: "Delete tag one of alice/gone?" });
    await dialog.waitFor();
    // The focus is on Cancel: Enter at once removes nothing.
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "hidden" });
    await button.click();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    await page.getByRole("link", { name: "one", exact: true }).waitFor();
    await button.click();
    await dialog.getByRole("button", { name: "Delete" }).click();
    await page.getByRole("link", { name: "one", exact: true }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Delete alice/gone" }).click();
    await page.getByRole("dialog", { name: "Delete alice/gone?" }).getByRole("button", { name: "Delete" }).click();
    await heading(page, "Repositories");
    await page.getByRole("link", { name: "alice/open" }).waitFor();
    expect(await page.getByRole("link", { name: "alice/gone" }).count()).toBe(0);
    expect((await registry.request("GET", "/v2/alice/gone/tags/list", { headers: basic })).status).toBe(404);
  });

  test("its owner makes a repository public and private again", async () => {
    await using window = await opened();
    const { page } = window;
    await signedIn(page);
    await page.getByRole("link", { name: "alice/closed" }).click();
    await page.getByRole("button", { name: "Make public" }).click();
    await page.getByRole("button", { name: "Make private" }).click();
    await page.getByRole("button", { name: "Make public" }).waitFor();
    await heading(page, /private/);
  });

  test("search, by keyboard alone, from the list to an image", async () => {
    await using window = await opened();
    const { page } = window;
    await page.getByRole("link", { name: "alice/open" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("nothing-like-it");
    await page.getByText("No repository has “nothing-like-it” in its name.").waitFor();
    await page.getByRole("searchbox").fill("ope");
    await page.getByRole("link", { name: "alice/open" }).waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await heading(page, /^alice\/open/);
    // The new view's heading has the focus: the next stops are what it holds, once that is there.
    await page.getByRole("link", { name: "v1", exact: true }).waitFor();
    for (let stop = 0; stop < 30; stop++) {
      await page.keyboard.press("Tab");
      if ((await page.evaluate("document.activeElement.textContent")) === "v1") break;
    }
    await page.keyboard.press("Enter");
    await heading(page, "alice/open:v1");
  });

  test.each([
    ["phone", 360, 740],
    ["tablet", 800, 1000],
    ["wide", 1600, 900],
  ])("nothing is cut off on a %s", async (device, width, height) => {
    for (const colorScheme of ["light", "dark"] as const) {
      await using window = await opened({ viewport: { width, height }, colorScheme });
      const { page } = window;
      await signedIn(page);
      const views = [
        ["repositories", "#/", "Repositories"],
        ["repository", "#/alice/open", /^alice\/open/],
        ["image", "#/alice/open@v2", "alice/open:v2"],
      ] as const;
      for (const [view, hash, title] of views) {
        await page.goto(`${registry.url}/${hash}`);
        await heading(page, title);
        await page
          .getByText(view === "image" ? "How it runs" : "Updated")
          .first()
          .waitFor({ state: "attached" });
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
        if (SCREENSHOTS !== undefined)
          await page.screenshot({ path: join(SCREENSHOTS, `${view}-${device}-${colorScheme}.png`), fullPage: true });
      }
    }
  });

  test("the page may run its own script only, in no frame, and is sent again only when it changed", async () => {
    const first = await registry.request("GET", "/");
    expect(first.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(first.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
    const again = await registry.request("GET", "/", { headers: { "If-None-Match": first.headers.get("etag") ?? "" } });
    expect(again.status).toBe(304);
    expect((await registry.request("POST", "/")).status).toBe(405);
    expect((await registry.request("GET", "/-/other")).status).toBe(404);
  });
});
