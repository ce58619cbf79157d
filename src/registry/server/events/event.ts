// What happened to a manifest or tag, and its form on the wire: the notification envelope that Docker's registry sends
// (distribution: about/notifications). Blobs are not told of: a push of an image is one event, not one a layer.

import { randomUUID } from "node:crypto";

export const ACTIONS = ["push", "pull", "delete"] as const;

export type Action = (typeof ACTIONS)[number];

export interface RegistryEvent {
  readonly action: Action;
  readonly repository: string;
  /** undefined: a tag, or all of a repository, was removed. */
  readonly digest: string | undefined;
  readonly mediaType: string | undefined;
  readonly size: number | undefined;
  readonly tag: string | undefined;
  /** undefined: nobody in particular. */
  readonly user: string | undefined;
  /** undefined: the registry itself, by a rule. */
  readonly request:
    | { readonly address: string; readonly host: string; readonly method: string; readonly userAgent: string }
    | undefined;
}

export const ENVELOPE_TYPE = "application/vnd.docker.distribution.events.v1+json";

export function envelope(event: RegistryEvent) {
  const { digest, mediaType, size, tag, repository, request } = event;
  return {
    events: [
      {
        id: randomUUID(),
        timestamp: new Date().toISOString(),
        action: event.action,
        target: {
          ...(mediaType === undefined ? {} : { mediaType }),
          ...(size === undefined ? {} : { size, length: size }),
          ...(digest === undefined ? {} : { digest }),
          repository,
          ...(tag === undefined ? {} : { tag }),
        },
        ...(request === undefined
          ? {}
          : {
              request: {
                id: randomUUID(),
                addr: request.address,
                host: request.host,
                method: request.method,
                useragent: request.userAgent,
              },
            }),
        actor: event.user === undefined ? {} : { name: event.user },
        source: {},
      },
    ],
  };
}
