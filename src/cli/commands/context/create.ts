// `context create`.

import { ExitError } from "../../base/errors.ts";
import { args, command } from "../../command.ts";
import { type ContextMeta, ContextStore } from "../../config/contexts.ts";
import { flag } from "../../flag.ts";
import { contextName, contextStore } from "../../session.ts";
import { dockerFlag, readEndpoint } from "./endpoint.ts";
import { findContext } from "./find.ts";

export const create = command({
  usage: "[OPTIONS] CONTEXT",
  args: args.exactly(1),
  details:
    "Keys of --docker:\nfrom             Copy the endpoint of another context\nhost             Address of the engine\nca               Trust certs signed only by this CA (file)\ncert             TLS certificate (file)\nkey              TLS key (file)\nskip-tls-verify  Skip TLS certificate validation",
  flags: {
    description: flag.string("Description of the context"),
    docker: dockerFlag(),
    from: flag.string("create context from a named context"),
  },
  async run(context, { flags, args: [name = ""] }) {
    const { io } = context;
    ContextStore.checkName(name);
    const store = contextStore(context);
    if (store.has(name)) throw new ExitError(1, `context ${JSON.stringify(name)} already exists`);
    if (flags.from !== "" && flags.docker.size > 0)
      throw new ExitError(1, "cannot use --docker flag when --from is set");
    if (flags.docker.size > 0) {
      const { endpoint, tls } = readEndpoint(context, flags.docker);
      store.put(named(name, { Name: name, Metadata: {}, Endpoints: { docker: endpoint } }, flags.description), tls);
    } else {
      const source = findContext(context, flags.from || contextName(context));
      store.put(named(name, source.meta, flags.description), source.tls);
    }
    io.stdout.line(name);
    io.stderr.line(`Successfully created context ${JSON.stringify(name)}`);
  },
});

function named(name: string, meta: ContextMeta, description: string): ContextMeta {
  const Metadata = description === "" ? meta.Metadata : { ...meta.Metadata, Description: description };
  return { ...meta, Name: name, Metadata };
}
