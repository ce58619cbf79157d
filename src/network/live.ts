// What of networking is in memory for a container that runs; the rows have what must outlive the daemon.

import type { NetworkNamespace } from "../linux/namespace.ts";
import type { NetworkRequest } from "./contract.ts";
import type { EndpointRecord } from "./network.ts";
import type { PublishedPort } from "./ports/host-ports.ts";

export interface Live {
  request: NetworkRequest;
  readonly endpoints: EndpointRecord[];
  ports: PublishedPort[];
  /** Held open once the interfaces are in it: the process that it was found by may end before the container. */
  namespace: NetworkNamespace | undefined;
}
