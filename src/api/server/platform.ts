// The `platform` parameter: "os/arch[/variant]" for create, pull, import and build; since 1.48 the JSON of an OCI
// platform for inspect, history, push, load and save.

import { HoyError } from "../../base/error.ts";
import type { OCIPlatform } from "../types/image.ts";
import type { Call } from "./call.ts";
import { decode, list, object, text } from "./shape.ts";

const platformShape = object<OCIPlatform>("Platform", {
  architecture: text,
  os: text,
  "os.version": text,
  "os.features": list(text),
  variant: text,
});

/** JSON spelling → "os/arch[/variant]"; undefined when absent or when the client's version knows no such parameter. */
export function jsonPlatform(call: Call, since: string): string | undefined {
  const given = call.query.optional("platform");
  if (given === undefined || !call.atLeast(since)) return undefined;
  if (call.query.all("platform").length > 1) {
    throw new HoyError(
      "invalid",
      "multiple platform parameters are not supported in this API version; use API version 1.52 or later",
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch (cause) {
    throw new HoyError("invalid", "failed to parse platform: not JSON", { cause });
  }
  const { os = "", architecture = "", variant = "" } = decode(value, platformShape);
  if (os === "" || architecture === "") {
    throw new HoyError("invalid", "both OS and Architecture must be provided");
  }
  return [os, architecture, ...(variant === "" ? [] : [variant])].join("/");
}
