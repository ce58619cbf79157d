// A running container joins a network or leaves one: its endpoint, its names, and its published ports, which go where its
// default route goes (as Docker's: libnetwork moves external connectivity with the gateway's endpoint). Networks of a container
// at its start and at its end are manager.ts's.

import type { EndpointSettings } from "../api/types/network.ts";
import { HoyError } from "../base/error.ts";
import { span, step } from "../base/trace.ts";
import type { NetworkRows } from "../state/networks.ts";
import type { Attachments } from "./attachments.ts";
import type { NetworkRequest } from "./contract.ts";
import { takeEndpoints } from "./endpoints.ts";
import type { Live } from "./live.ts";
import type { Names } from "./names.ts";
import type { EndpointRecord, NetworkRecord } from "./network.ts";
import type { PortWish } from "./ports/request.ts";
import { leadsElsewhere, type Publisher } from "./publisher.ts";

export interface MembershipParts {
  readonly rows: NetworkRows;
  readonly attachments: Attachments;
  readonly names: Names;
  readonly publisher: Publisher;
  /** The ports that the container is to have on the networks that it is on now. */
  readonly wishes: (live: Live, request: NetworkRequest) => readonly PortWish[];
}

export class Membership {
  readonly #parts: MembershipParts;

  constructor(parts: MembershipParts) {
    this.#parts = parts;
  }

  /** @throws HoyError "conflict" when one of its ports has been given away meanwhile; it has not joined then. */
  async join(live: Live, request: NetworkRequest, network: NetworkRecord, asked: EndpointSettings): Promise<void> {
    const { rows, attachments, names } = this.#parts;
    const before = [...live.endpoints];
    const others = before.map((endpoint) => ({ network: endpoint.network, asked: {} }));
    const added = step("network.rows", () => takeEndpoints(rows, request, [...others, { network, asked }]).at(-1));
    if (added === undefined) throw new HoyError("internal", `no endpoint of ${request.name} on ${network.name}`);
    live.endpoints.push(added);
    const { namespace } = live;
    if (namespace === undefined) return;
    try {
      attachments.attach(live, namespace, added);
      await span("network.names", {}, () => names.serve(live, namespace));
      await this.#lead(live, request, before);
    } catch (error) {
      this.leave(live, added);
      throw error;
    }
  }

  leave(live: Live, endpoint: EndpointRecord): void {
    const { attachments, names, publisher } = this.#parts;
    const before = [...live.endpoints];
    const after = before.filter((one) => one !== endpoint);
    const { request, ports } = live;
    const moves = leadsElsewhere(before, after);
    // Before its address is free: nothing may lead to the next who has it.
    if (moves) publisher.pause(request.containerId, before);
    attachments.detach(before, [endpoint], live.namespace);
    live.endpoints.splice(live.endpoints.indexOf(endpoint), 1);
    names.set(live);
    if (moves) live.ports = publisher.lead(request.containerId, ports, after);
  }

  /** After a new endpoint: the ports follow the gateway, or are there again. */
  async #lead(live: Live, request: NetworkRequest, before: readonly EndpointRecord[]): Promise<void> {
    const { publisher, wishes } = this.#parts;
    const { containerId: id, name } = request;
    if (!leadsElsewhere(before, live.endpoints)) return;
    if (live.ports.length === 0) {
      live.ports = await publisher.publish({ id, name }, live.endpoints, wishes(live, request));
      return;
    }
    publisher.pause(id, before);
    live.ports = publisher.lead(id, live.ports, live.endpoints);
  }
}
