// Every route, in the order in which they are tried.

import type { Route } from "../router.ts";
import { absentRoutes } from "./absent.ts";
import { webSocketRoutes } from "./attach-ws.ts";
import { buildRoutes } from "./build.ts";
import { buildkitRoutes } from "./buildkit.ts";
import { containerRoutes } from "./containers.ts";
import { execRoutes } from "./exec.ts";
import { hoyRoutes } from "./hoy.ts";
import { imageRoutes } from "./images.ts";
import { networkRoutes, volumeRoutes } from "./networks.ts";
import { streamRoutes } from "./streams.ts";
import { systemRoutes } from "./system.ts";

export const ROUTES: readonly Route[] = [
  ...containerRoutes,
  ...streamRoutes,
  ...webSocketRoutes,
  ...execRoutes,
  ...imageRoutes,
  ...networkRoutes,
  ...volumeRoutes,
  ...systemRoutes,
  ...buildkitRoutes,
  ...buildRoutes,
  ...hoyRoutes,
  ...absentRoutes,
];
