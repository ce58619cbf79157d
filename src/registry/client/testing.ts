// For tests of the client: an endpoint for requests that name their own URL.

import type { Endpoint } from "./endpoint.ts";

export const ENDPOINT: Endpoint = {
  base: "",
  host: "",
  insecure: false,
  mirror: false,
  peer: false,
  namespace: undefined,
  tls: { ca: [], cert: undefined, key: undefined },
};
