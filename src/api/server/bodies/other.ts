// Shapes of the bodies of POST /volumes/create and POST /auth.

import type { RegistryAuth } from "../../backend.ts";
import type { VolumeCreateOptions } from "../../types/volume.ts";
import { anything, map, object, text } from "../shape.ts";

export const volumeCreateBody = object<VolumeCreateOptions>("CreateOptions", {
  Name: text,
  Driver: text,
  DriverOpts: map(text),
  Labels: map(text),
  ClusterVolumeSpec: anything,
});

export const authBody = object<RegistryAuth>("AuthConfig", {
  username: text,
  password: text,
  identitytoken: text,
  registrytoken: text,
  serveraddress: text,
});
