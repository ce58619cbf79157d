// Whatever the text is, the frontend builds a graph or says what is wrong.

import { test } from "bun:test";
import fc from "fast-check";
import { HoyError } from "../../base/error.ts";
import { build } from "./testing/fake-solver.ts";

test("no Dockerfile makes the frontend do anything but build or say what is wrong", async () => {
  const line = fc.constantFrom(
    "FROM busybox",
    "FROM scratch AS a",
    "FROM a",
    "FROM $x",
    "ARG x=busybox",
    "ARG y",
    "ENV x=${y:-z}",
    "ENV a=${",
    "COPY . .",
    "COPY --from=a / /",
    "COPY --from=0 x y",
    "COPY --link --chown=1:$x a b",
    "ADD https://x/y.git#a:b /",
    "ADD http://[ /",
    "RUN x",
    "RUN <<EOF",
    "EOF",
    "#!/bin/sh",
    "RUN --mount=type=cache,target=$x y",
    "RUN --mount=from=a,target=/x y",
    "WORKDIR x",
    "WORKDIR",
    "EXPOSE 1-65535",
    "EXPOSE $x",
    "ONBUILD RUN x",
    "ONBUILD COPY --from=a x y",
    "CMD [",
    "ENTRYPOINT x",
    "HEALTHCHECK NONE",
    "USER $x",
    'VOLUME ["a"]',
    "# check=error=true",
    "# hoy: unset VOLUME",
    "LABEL a b",
    "STOPSIGNAL 9",
    "\\",
    "MAINTAINER x",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 5, arbitrary: line }, fc.string()), { maxLength: 12 }),
      async (lines) => {
        try {
          await build(lines.join("\n"));
        } catch (error) {
          if (!(error instanceof HoyError) || error.code === "internal") throw error;
        }
      },
    ),
    { numRuns: 400 },
  );
});
