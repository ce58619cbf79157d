// What a client has on its standard input: it makes up a URL for it, under a host that stands for its session, and gives
// the bytes to who asks for that URL.

import { HoyError } from "../../../base/error.ts";
import { methodPath } from "../grpc/service.ts";
import { Upload } from "../proto/gen/upload_pb.ts";
import type { Sessions } from "./sessions.ts";

export async function* upload(
  sessions: Sessions,
  id: string,
  url: URL,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const session = await sessions.get(id, signal);
  const method = Upload.method.pull;
  if (!session.supports(methodPath(method))) throw new HoyError("invalid", `the client does not have ${url.href}`);
  const metadata = new Map([
    ["urlpath", [url.pathname]],
    ["urlhost", [url.host]],
  ]);
  const call = session.client.open(method, { signal, metadata });
  try {
    for await (const { data } of call.answers) yield data;
  } finally {
    call.cancel();
  }
}
