// What the name server knows: which names have which addresses, for whom. An asker sees only names of the networks it
// is on. Pure state in memory, filled from the endpoints; nothing of packets here.

export interface NamedEndpoint {
  readonly container: string;
  readonly networkId: string;
  readonly networkName: string;
  /** As the user may ask, any case: container's name, short id, aliases. */
  readonly names: readonly string[];
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  /** Names for other containers that this one alone asks by, on this network. */
  readonly links?: readonly ZoneLink[];
}

export interface ZoneLink {
  /** A name of the other container, or its whole id; it need not be there. */
  readonly target: string;
  readonly alias: string;
}

export type ZoneAnswer = { readonly addresses: readonly string[] } | { readonly pointer: string };

export class Zone {
  readonly #endpoints = new Map<string, NamedEndpoint[]>();

  set(container: string, endpoints: readonly NamedEndpoint[]): void {
    this.#endpoints.set(container, [...endpoints]);
  }

  delete(container: string): void {
    this.#endpoints.delete(container);
  }

  /**
   * Addresses of `name` ("web" or "web.networkname") for the asker, in any order; an empty list when the name is known
   * and has none of the family; undefined when it is not a name of ours.
   */
  addresses(asker: string, name: string, family: 4 | 6): readonly string[] | undefined {
    const wanted = name.toLowerCase();
    const linked = this.#linked(asker, wanted);
    const found = linked.length > 0 ? linked : this.#visible(asker).filter((endpoint) => isNamed(endpoint, wanted));
    if (found.length === 0) return undefined;
    return found.flatMap((endpoint) => (family === 4 ? (endpoint.ipv4 ?? []) : (endpoint.ipv6 ?? [])));
  }

  /** "web.networkname" for an address on one of the asker's networks. */
  pointer(asker: string, address: string): string | undefined {
    const found = this.#visible(asker).find((endpoint) => endpoint.ipv4 === address || endpoint.ipv6 === address);
    return found === undefined ? undefined : `${found.names[0]}.${found.networkName}`;
  }

  /** The asker's own names for others go before those that all know. */
  #linked(asker: string, wanted: string): NamedEndpoint[] {
    return (this.#endpoints.get(asker) ?? []).flatMap(({ networkId, networkName, links = [] }) => {
      const bare = withoutNetwork(wanted, networkName);
      const targets = links
        .filter(({ alias }) => alias.toLowerCase() === bare)
        .map(({ target }) => target.toLowerCase());
      if (targets.length === 0) return [];
      return [...this.#endpoints.values()]
        .flat()
        .filter((endpoint) => endpoint.networkId === networkId)
        .filter((endpoint) => targets.some((target) => endpoint.container === target || isNamed(endpoint, target)));
    });
  }

  #visible(asker: string): NamedEndpoint[] {
    const own = new Set(this.#endpoints.get(asker)?.map((endpoint) => endpoint.networkId));
    return [...this.#endpoints.values()].flat().filter((endpoint) => own.has(endpoint.networkId));
  }
}

function isNamed(endpoint: NamedEndpoint, wanted: string): boolean {
  const bare = withoutNetwork(wanted, endpoint.networkName);
  return endpoint.names.some((name) => name.toLowerCase() === bare || name.toLowerCase() === wanted);
}

function withoutNetwork(wanted: string, network: string): string {
  const suffix = `.${network.toLowerCase()}`;
  return wanted.endsWith(suffix) ? wanted.slice(0, -suffix.length) : wanted;
}

/** From "name" or "name:alias". */
export function zoneLink(text: string): ZoneLink {
  const [target = "", alias = target] = text.split(":").map((part) => part.split("/").at(-1) ?? "");
  return { target, alias };
}
