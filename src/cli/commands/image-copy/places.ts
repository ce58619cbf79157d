// What SRC and DST of `image copy` may be, in skopeo's words where it has some.

import { tryParseReference } from "../../../image/reference.ts";
import { ExitError } from "../../base/errors.ts";

export type Place =
  | { readonly kind: "registry"; readonly name: string }
  /** An engine by its address; "" for the client's own. */
  | { readonly kind: "engine"; readonly host: string; readonly name: string }
  | {
      readonly kind: "oci" | "oci-archive" | "docker-archive";
      readonly path: string;
      readonly name: string | undefined;
    };

export const PLACES =
  "A place is a name at a registry (app:v1, docker://app:v1), a layout (oci:DIR[:TAG]), an archive (oci-archive:FILE[:TAG], docker-archive:FILE[:NAME]), or an engine (engine:NAME for the one of this client, hoy://HOST:PORT/NAME, ssh://[USER@]HOST/NAME).";

/** @throws ExitError for what is none of them. */
export function parsePlace(text: string): Place {
  const [, scheme = "", rest = ""] = /^([a-z-]+):(.*)$/.exec(text) ?? [];
  switch (scheme) {
    case "docker":
      return { kind: "registry", name: rest.replace(/^\/\//, "") };
    case "engine":
      return { kind: "engine", host: "", name: named(rest, text) };
    case "hoy":
    case "ssh": {
      const [, authority = "", name = ""] = /^\/\/([^/]+)\/(.+)$/.exec(rest) ?? [];
      if (authority === "") throw new ExitError(1, `${text} names no engine and image: ${scheme}://HOST/NAME`);
      return { kind: "engine", host: `${scheme === "ssh" ? "ssh" : "tcp"}://${authority}`, name: named(name, text) };
    }
    case "oci":
    case "oci-archive":
    case "docker-archive": {
      const [, path = "", name] = /^([^:]+)(?::(.+))?$/.exec(rest) ?? [];
      if (path === "") throw new ExitError(1, `${text} names no file`);
      return { kind: scheme, path, name };
    }
  }
  if (tryParseReference(text) === undefined)
    throw new ExitError(1, `${JSON.stringify(text)} is no place of an image. ${PLACES}`);
  return { kind: "registry", name: text };
}

function named(name: string, text: string): string {
  if (tryParseReference(name) === undefined) throw new ExitError(1, `${text} names no image`);
  return name;
}
