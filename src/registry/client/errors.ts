// What a registry says when it refuses (OCI distribution spec, "Error Codes"), in the words Docker's users know.

import { HoyError } from "../../base/error.ts";

const MAX_BODY = 64 * 1024;

interface RegistryFault {
  readonly code: string;
  readonly message: string;
}

/** Turns an answer of 400 and above into an error; reads at most 64 KiB of it. `what`: the repository's name. */
export async function refusal(response: Response, what: string): Promise<HoyError> {
  const faults = parseFaults(await boundedText(response));
  const said = faults.map(({ code, message }) => `${code.toLowerCase().replaceAll("_", " ")}: ${message}`).join("; ");
  const detail = said === "" ? `${response.status} ${response.statusText}`.trim() : said;
  switch (response.status) {
    case 401:
      return new HoyError("unauthorized", said === "" ? `unauthorized: authentication required for ${what}` : detail, {
        hint: "log in to the registry first (hoy login)",
      });
    case 403:
      return new HoyError("forbidden", said === "" ? `denied: requested access to ${what} is denied` : detail);
    case 404:
      return new HoyError("not-found", detail);
    case 429:
      return new HoyError(
        "unavailable",
        `toomanyrequests: ${faults[0]?.message ?? "the registry's rate limit is reached"}`,
        {
          hint: "wait, log in for a higher limit, or set a mirror",
        },
      );
    default:
      return new HoyError(
        response.status >= 500 ? "unavailable" : "invalid",
        `the registry refused ${what}: ${detail}`,
      );
  }
}

export function parseFaults(text: string): RegistryFault[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  if (typeof body !== "object" || body === null || !("errors" in body) || !Array.isArray(body.errors)) return [];
  return body.errors.slice(0, 10).flatMap((fault: unknown) => {
    if (typeof fault !== "object" || fault === null || !("code" in fault)) return [];
    const message = "message" in fault && typeof fault.message === "string" ? fault.message.slice(0, 500) : "";
    return [{ code: String(fault.code).slice(0, 100), message }];
  });
}

/** The body as text, or as much of it as is allowed. */
export async function boundedText(response: Response, limit = MAX_BODY): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    parts.push(chunk);
    size += chunk.length;
    if (size > limit) break;
  }
  return Buffer.concat(parts).subarray(0, limit).toString("utf8");
}
