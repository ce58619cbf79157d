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
    const found = this.#visible(asker).filter((endpoint) => isNamed(endpoint, wanted));
    if (found.length === 0) return undefined;
    return found.flatMap((endpoint) => (family === 4 ? (endpoint.ipv4 ?? []) : (endpoint.ipv6 ?? [])));
  }

  /** "web.networkname" for an address on one of the asker's networks. */
  pointer(asker: string, address: string): string | undefined {
    const found = this.#visible(asker).find((endpoint) => endpoint.ipv4 === address || endpoint.ipv6 === address);
    return found === undefined ? undefined : `${found.names[0]}.${found.networkName}`;
  }

  #visible(asker: string): NamedEndpoint[] {
    const own = new Set(this.#endpoints.get(asker)?.map((endpoint) => endpoint.networkId));
    return [...this.#endpoints.values()].flat().filter((endpoint) => own.has(endpoint.networkId));
  }
}

function isNamed(endpoint: NamedEndpoint, wanted: string): boolean {
  const suffix = `.${endpoint.networkName.toLowerCase()}`;
  const bare = wanted.endsWith(suffix) ? wanted.slice(0, -suffix.length) : wanted;
  return endpoint.names.some((name) => name.toLowerCase() === bare || name.toLowerCase() === wanted);
}
