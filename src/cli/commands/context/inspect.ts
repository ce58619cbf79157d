// `context inspect`.

import { args, command } from "../../command.ts";
import { DEFAULT_CONTEXT } from "../../config/contexts.ts";
import { contextName, contextStore } from "../../session.ts";
import { toHtmlSafeJson } from "../../template/json.ts";
import type { Value } from "../../template/value.ts";
import { inspectObjects } from "../inspect-objects.ts";
import { inspectFormat } from "../shared.ts";
import { findContext } from "./find.ts";

export const inspect = command({
  usage: "[OPTIONS] [CONTEXT] [CONTEXT...]",
  args: args.any,
  flags: { format: inspectFormat() },
  async run(context, { flags, args: names }) {
    const wanted = names.length > 0 ? names : [contextName(context)];
    const store = contextStore(context);
    await inspectObjects(context, wanted, flags.format, async (name) => {
      const { meta, tls } = findContext(context, name);
      const memory = name === DEFAULT_CONTEXT;
      const files = Object.keys(tls);
      const json = toHtmlSafeJson({
        Name: meta.Name,
        Metadata: meta.Metadata as Value,
        Endpoints: meta.Endpoints as Value,
        TLSMaterial: files.length > 0 ? { docker: files } : {},
        Storage: {
          MetadataPath: memory ? "<IN MEMORY>" : store.metaPath(name),
          TLSPath: memory ? "<IN MEMORY>" : store.tlsPath(name),
        },
      });
      return { struct: "ContextInfo", json };
    });
  },
});
