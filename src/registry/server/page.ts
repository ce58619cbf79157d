// Serves the web page: three files, the same for everybody. What it shows it asks of /api/v1/ as its reader. Its policy lets
// it run this script and talk to this registry, and nothing else: what somebody pushed can't become a script here.

import { createHash } from "node:crypto";
import { bytes, type Call, empty, notAllowed } from "./call.ts";

const PATHS: ReadonlySet<string> = new Set(["/", "/-/page.css", "/-/page.js"]);

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export function isPage(pathname: string): boolean {
  return PATHS.has(pathname);
}

export async function page(call: Call, pathname: string): Promise<void> {
  if (call.method !== "GET" && call.method !== "HEAD") throw notAllowed();
  const { pageAssets } = await import("./page-assets.ts");
  const asset = pageAssets[pathname];
  if (asset === undefined) throw notAllowed();
  const body = Buffer.from(asset.text);
  const headers = {
    ETag: `"${createHash("sha256").update(body).digest("base64url")}"`,
    // Asked for again each time, sent again only after an upgrade.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
  };
  if (call.request.headers["if-none-match"] === headers.ETag) return empty(call, 304, headers);
  bytes(call, 200, body, { "Content-Type": asset.type, ...headers });
}
