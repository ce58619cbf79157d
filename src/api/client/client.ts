// The client of the Engine API: one transport, and the verbs in groups: `client.containers.list()`.

import { ContainersClient, ExecClient } from "./containers.ts";
import type { Endpoint } from "./endpoint.ts";
import { ImagesClient } from "./images.ts";
import { NetworksClient, VolumesClient } from "./networks.ts";
import { SystemClient } from "./system.ts";
import { Transport, type TransportOptions } from "./transport.ts";

export class ApiClient implements Disposable {
  readonly transport: Transport;
  readonly containers: ContainersClient;
  readonly exec: ExecClient;
  readonly images: ImagesClient;
  readonly networks: NetworksClient;
  readonly volumes: VolumesClient;
  readonly system: SystemClient;

  constructor(endpoint: Endpoint, options: TransportOptions = {}) {
    this.transport = new Transport(endpoint, options);
    this.containers = new ContainersClient(this.transport);
    this.exec = new ExecClient(this.transport);
    this.images = new ImagesClient(this.transport);
    this.networks = new NetworksClient(this.transport);
    this.volumes = new VolumesClient(this.transport);
    this.system = new SystemClient(this.transport);
  }

  /** Closes idle connections; needed only where the process goes on. */
  [Symbol.dispose](): void {
    this.transport.close();
  }
}
