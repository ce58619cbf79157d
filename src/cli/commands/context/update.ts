// `context update`.

import { args, command } from "../../command.ts";
import { ContextStore } from "../../config/contexts.ts";
import { flag } from "../../flag.ts";
import { contextStore } from "../../session.ts";
import { dockerFlag, readEndpoint } from "./endpoint.ts";

export const update = command({
  usage: "[OPTIONS] CONTEXT",
  args: args.exactly(1),
  flags: { description: flag.string("Description of the context"), docker: dockerFlag() },
  async run(context, { flags, args: [name = ""] }) {
    const { io } = context;
    ContextStore.checkName(name);
    const store = contextStore(context);
    const before = store.get(name);
    const changed = flags.docker.size > 0 ? readEndpoint(context, flags.docker) : undefined;
    const Metadata =
      flags.description === "" ? before.Metadata : { ...before.Metadata, Description: flags.description };
    const Endpoints = changed === undefined ? before.Endpoints : { ...before.Endpoints, docker: changed.endpoint };
    store.put({ ...before, Metadata, Endpoints }, changed?.tls ?? store.tls(name));
    io.stdout.line(name);
    io.stderr.line(`Successfully updated context ${JSON.stringify(name)}`);
  },
});
