// Logins of the user, lent to a build: asked for by the registry's host, answered from the configuration or its helpers.

import { type ServiceTable, service } from "../../../build/buildkit/grpc/service.ts";
import { CODE, GrpcError } from "../../../build/buildkit/grpc/status.ts";
import { Auth } from "../../../build/buildkit/proto/gen/session_pb.ts";
import { getCredentials, registryKey } from "../../config/credentials.ts";
import type { ConfigFile } from "../../config/file.ts";

export function credentialService(config: ConfigFile): ServiceTable {
  return service(Auth, {
    async credentials({ host }) {
      const found = await getCredentials(config, registryKey(host));
      if (found === undefined) return {};
      const { username = "", password = "", identitytoken } = found;
      return identitytoken === undefined ? { username, secret: password } : { secret: identitytoken };
    },
    async fetchToken() {
      // The engine gets its tokens itself, with the credentials.
      throw new GrpcError(CODE.unimplemented, "tokens are not fetched by this client");
    },
  });
}
