// Requests to one bucket of an S3-compatible store: signed (SigV4), with the body's sha256 in the signature so that the
// store refuses what arrived differently, and made again when that may help. Keys are ours: plain ASCII.

import { setTimeout as sleep } from "node:timers/promises";
import { AwsClient } from "aws4fetch";
import { HoyError } from "../../../base/error.ts";

export interface S3Options {
  /** URL of the bucket: "https://s3.example.com/bucket", "https://bucket.s3.eu-central-1.amazonaws.com". */
  readonly bucket: string;
  /** What all keys begin with; "" or "registry/". */
  readonly prefix: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** undefined: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** hex, when it is known. */
  readonly sha256?: string;
}

const ATTEMPTS = 5;
const FIRST_WAIT_MS = 200;
const HEAD_TIMEOUT_MS = 60_000;
const ERROR_LIMIT = 64 * 1024;
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export class S3Client {
  readonly #aws: AwsClient;
  readonly #bucket: string;
  readonly prefix: string;

  constructor(options: S3Options) {
    const { region, accessKeyId, secretAccessKey, sessionToken } = options;
    const credentials = sessionToken === undefined ? {} : { sessionToken };
    this.#aws = new AwsClient({ service: "s3", region, accessKeyId, secretAccessKey, ...credentials, retries: 0 });
    this.#bucket = options.bucket.replace(/\/+$/, "");
    this.prefix = options.prefix;
  }

  /** An answer of 2xx, or of a status in `accept`. @throws HoyError "unavailable" with what the store said */
  async send(request: S3Request, accept: readonly number[] = []): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#once(request).catch((error: unknown) => error);
      if (outcome instanceof Response && (outcome.ok || accept.includes(outcome.status))) return outcome;
      const again = !(outcome instanceof Response) || outcome.status >= 500 || outcome.status === 429;
      if (!again || attempt >= ATTEMPTS) throw await failure(request, outcome);
      if (outcome instanceof Response) await outcome.body?.cancel();
      await sleep(FIRST_WAIT_MS * 2 ** (attempt - 1));
    }
  }

  /** An address that opens the object to whoever has it, for `seconds`. */
  async presigned(key: string, seconds: number): Promise<string> {
    const url = `${this.#url({ method: "GET", key })}?X-Amz-Expires=${seconds}`;
    return (await this.#aws.sign(url, { aws: { signQuery: true } })).url;
  }

  async #once(request: S3Request): Promise<Response> {
    const { method, body, headers } = request;
    const sha256 = request.sha256 ?? (body === undefined ? EMPTY : await sha256Hex(body));
    const signed = await this.#aws.sign(this.#url(request), {
      method,
      headers: { ...headers, "x-amz-content-sha256": sha256 },
      ...(body === undefined ? {} : { body }),
    });
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(new Error("no answer in time")), HEAD_TIMEOUT_MS);
    try {
      return await fetch(signed, { signal: deadline.signal, redirect: "error" });
    } finally {
      clearTimeout(timer);
    }
  }

  #url({ key, query = {} }: S3Request): string {
    const search = new URLSearchParams(query).toString();
    // A prefix may hold what is no path's: unescaped, a plus is signed as a blank.
    const path = key === undefined ? "" : (this.prefix + key).split("/").map(encodeURIComponent).join("/");
    return `${this.#bucket}/${path}${search === "" ? "" : `?${search}`}`;
  }
}

async function sha256Hex(body: Uint8Array<ArrayBuffer>): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", body)).toString("hex");
}

async function failure({ method, key }: S3Request, outcome: unknown): Promise<HoyError> {
  const what = `${method} ${key ?? "the bucket"}`;
  if (!(outcome instanceof Response))
    return new HoyError("unavailable", `the S3 store does not answer (${what}): ${String(outcome)}`, {
      cause: outcome,
    });
  const said = (await outcome.text()).slice(0, ERROR_LIMIT);
  const message = [element(said, "Code"), element(said, "Message")].filter((part) => part !== undefined).join(": ");
  return new HoyError("unavailable", `the S3 store refused ${what}: ${message || outcome.status}`);
}

/** Texts of all elements of that name; S3's answers are flat where we look, and have no CDATA. */
export function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map(([, text = ""]) =>
    text.replaceAll(
      /&(lt|gt|quot|apos|amp|#\d+);/g,
      (whole, entity: string) => ENTITIES[entity] ?? numeric(entity) ?? whole,
    ),
  );
}

export function element(xml: string, name: string): string | undefined {
  return elements(xml, name)[0];
}

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function numeric(entity: string): string | undefined {
  const code = Number(entity.slice(1));
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}
