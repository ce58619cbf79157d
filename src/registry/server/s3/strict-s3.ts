// For tests: an S3 server in this process that is as strict as Amazon's: it works out each signature by itself (AWS
// Signature Version 4, header and query), holds bodies to the sha256 they were signed with, and lists in short pages.

import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

const PAGE = 2;
const REGION = "eu-central-1";

export class StrictS3 implements AsyncDisposable {
  readonly objects = new Map<string, Buffer>();
  /** Begun and not completed: id → key. */
  readonly uploads = new Map<string, string>();
  /** Requests by what they ask for: "GET list", "PUT", "DELETE upload". */
  readonly asked: string[] = [];
  readonly credentials = { region: REGION, accessKeyId: "AKIATEST", secretAccessKey: "s/e+c=ret" };
  readonly #server = createServer((request, response) => void this.#take(request, response));

  static async start(): Promise<StrictS3> {
    const s3 = new StrictS3();
    await new Promise<void>((resolve) => s3.#server.listen(0, "127.0.0.1", resolve));
    return s3;
  }

  get bucket(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/bucket`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const url = new URL(request.url ?? "/", "http://s3");
    const fault = this.#fault(request, url, body);
    if (fault !== undefined) {
      response.writeHead(403).end(`<Error><Code>${fault}</Code><Message>as S3 says</Message></Error>`);
      return;
    }
    const key = decodeURIComponent(url.pathname.slice("/bucket/".length));
    this.#answer(request.method ?? "", key, url.searchParams, body, response);
  }

  #answer(method: string, key: string, query: URLSearchParams, body: Buffer, response: ServerResponse): void {
    const listing = query.has("list-type") || (method === "GET" && query.has("uploads"));
    this.asked.push(`${method}${listing ? " list" : query.has("uploadId") ? " upload" : ""}`);
    if (query.has("list-type")) return void response.end(this.#objects(query));
    if (method === "GET" && query.has("uploads")) return void response.end(this.#begun(query));
    const found = this.objects.get(key);
    if (method === "DELETE" && query.has("uploadId")) this.uploads.delete(query.get("uploadId") ?? "");
    else if (method === "DELETE") this.objects.delete(key);
    else if (method === "PUT") this.objects.set(key, body);
    else if (found === undefined) return void response.writeHead(404).end();
    if (method !== "GET" && method !== "HEAD") return void response.writeHead(method === "DELETE" ? 204 : 200).end();
    response.writeHead(200, { "Content-Length": found?.length ?? 0 }).end(method === "HEAD" ? undefined : found);
  }

  #objects(query: URLSearchParams): string {
    const prefix = query.get("prefix") ?? "";
    const all = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
    // A token as S3's: opaque, with characters that must be written otherwise in a URL.
    const after = Buffer.from(query.get("continuation-token") ?? "", "base64").toString();
    const page = all.filter((key) => key > after).slice(0, PAGE);
    const last = page.at(-1) ?? "";
    const more = last !== "" && last !== all.at(-1);
    const next = more ? `<NextContinuationToken>${Buffer.from(last).toString("base64")}</NextContinuationToken>` : "";
    const keys = page.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("");
    return `<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${keys}</ListBucketResult>`;
  }

  #begun(query: URLSearchParams): string {
    const mark = `${query.get("key-marker") ?? ""} ${query.get("upload-id-marker") ?? ""}`;
    const all = [...this.uploads].map(([id, key]) => ({ id, key, at: `${key} ${id}` })).toSorted(byPlace);
    const page = all.filter(({ at }) => at > mark).slice(0, PAGE);
    const last = page.at(-1);
    const more = last !== undefined && last !== all.at(-1);
    const next = more
      ? `<NextKeyMarker>${last.key}</NextKeyMarker><NextUploadIdMarker>${last.id}</NextUploadIdMarker>`
      : "";
    const found = page.map(({ id, key }) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`).join("");
    return `<ListMultipartUploadsResult><IsTruncated>${more}</IsTruncated>${next}${found}</ListMultipartUploadsResult>`;
  }

  /** What S3 calls what is wrong with the request; undefined: nothing is. */
  #fault({ method = "", headers }: IncomingMessage, url: URL, body: Buffer): string | undefined {
    const byQuery = url.searchParams.has("X-Amz-Signature");
    const told = byQuery ? this.#ofQuery(url) : ofHeader(headers.authorization ?? "");
    if (told.credential.split("/")[0] !== this.credentials.accessKeyId) return "InvalidAccessKeyId";
    const time = (byQuery ? url.searchParams.get("X-Amz-Date") : headers["x-amz-date"])?.toString() ?? "";
    const payload = byQuery ? "UNSIGNED-PAYLOAD" : String(headers["x-amz-content-sha256"]);
    if (!byQuery && payload !== hash(body)) return "XAmzContentSHA256Mismatch";
    const query = [...url.searchParams]
      .filter(([name]) => name !== "X-Amz-Signature")
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .toSorted();
    const signed = told.signedHeaders.map((name) => `${name}:${String(headers[name] ?? "").trim()}\n`).join("");
    const canonical = [method, url.pathname, query.join("&"), signed, told.signedHeaders.join(";"), payload].join("\n");
    const day = time.slice(0, 8);
    const scope = `${day}/${REGION}/s3/aws4_request`;
    if (told.credential !== `${this.credentials.accessKeyId}/${scope}`) return "AuthorizationHeaderMalformed";
    const text = ["AWS4-HMAC-SHA256", time, scope, hash(canonical)].join("\n");
    const key = [day, REGION, "s3", "aws4_request"].reduce<string | Buffer>(
      (secret, part) => createHmac("sha256", secret).update(part).digest(),
      `AWS4${this.credentials.secretAccessKey}`,
    );
    const wanted = createHmac("sha256", key).update(text).digest("hex");
    return wanted === told.signature ? undefined : "SignatureDoesNotMatch";
  }

  #ofQuery({ searchParams }: URL) {
    return {
      credential: searchParams.get("X-Amz-Credential") ?? "",
      signedHeaders: (searchParams.get("X-Amz-SignedHeaders") ?? "").split(";"),
      signature: searchParams.get("X-Amz-Signature") ?? "",
    };
  }
}

function ofHeader(text: string) {
  const part = (name: string) => new RegExp(`${name}=([^, ]+)`).exec(text)?.[1] ?? "";
  return {
    credential: part("Credential"),
    signedHeaders: part("SignedHeaders").split(";"),
    signature: part("Signature"),
  };
}

/** RFC 3986, as the signature's own specification asks for. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

const hash = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
const byPlace = (left: { at: string }, right: { at: string }) => (left.at < right.at ? -1 : 1);
