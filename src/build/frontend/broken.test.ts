// Dockerfiles that can't be built, as far as their text shows it, and what is said of each. Those that only fail at the
// engine are in test/builds/broken.test.ts.

import { expect, test } from "bun:test";
import { DockerfileError } from "../dockerfile/source.ts";
import { build } from "./testing/fake-solver.ts";

/** Text → what is said. */
const WHOLE: readonly (readonly [text: string, says: string, target?: string])[] = [
  ["", "the Dockerfile cannot be empty"],
  ["# one\n\n# two\n", "parse error on line 1: file with no instructions"],
  ["RUN true\n", "no build stage in current context"],
  ["FROM\n", "parse error on line 1: FROM requires either one or three arguments"],
  ["FROM busybox base\n", "parse error on line 1: FROM requires either one or three arguments"],
  ["ARG IMAGE\nFROM $IMAGE\n", "base name ($IMAGE) should not be blank"],
  ["FROM UPPER:case\n", 'failed to parse stage name "UPPER:case": invalid reference format'],
  ["FROM busybox AS 1x\n", 'invalid name for build stage: "1x", name can\'t start with a number or contain symbols'],
  ["# escape=x\nFROM busybox\n", "parse error on line 1: invalid escape token 'x'"],
  ["# escape=`\n# escape=`\nFROM busybox\n", "parse error on line 2: only one escape parser directive can be used"],
  ["FROM --platform=one/two/three/four busybox\n", '"one/two/three/four": cannot parse platform specifier'],
  ["FROM --platform=$NONE busybox\n", "empty platform value from expression $NONE"],
  [
    "# hoy: unset VOLUMES\nFROM busybox\n",
    'unknown kind "VOLUMES", only VOLUME, EXPOSE, ENV, LABEL (did you mean VOLUME?)',
  ],
  [
    "FROM busybox AS a\nCOPY --from=b /x /\nFROM busybox AS b\n",
    'cannot copy from stage "b", it needs to be defined before current stage "a"',
    "a",
  ],
  ["FROM busybox AS a\nCOPY --from=a /x /\n", "circular dependency detected on stage: a"],
  ["FROM busybox AS build\n", 'target stage "biuld" could not be found (did you mean build?)', "biuld"],
];

/** An instruction after a base → what is said. */
const INSTRUCTIONS: readonly (readonly [instruction: string, says: string])[] = [
  ["CPOY a b", "unknown instruction: CPOY (did you mean COPY?)"],
  ['ENTRYPIONT ["a"]', "unknown instruction: ENTRYPIONT (did you mean ENTRYPOINT?)"],
  ['{"a": 1}', 'unknown instruction: {"a":'],
  ["COPY --form=a b c", "unknown flag: --form (did you mean from?)"],
  ["COPY --from a b", "missing a value on flag: --from"],
  ["COPY --chown=1 --chown=2 a b", "duplicate flag specified: --chown"],
  ["COPY --link=perhaps a b", "expecting boolean value for flag --link, not: perhaps"],
  ["COPY here", "COPY requires at least two arguments, but only one was provided"],
  ["COPY --chmod=9 here /", "invalid chmod parameter: '9'. it should be octal string and between 0 and 07777"],
  ["COPY --from=7 /x /", "invalid stage index 7"],
  ["ADD --checksum=sha256:1 http://localhost:1/x /", "invalid checksum digest length"],
  [`ADD --checksum=sha256:${"0".repeat(64)} here /`, "checksum requires HTTP(S) or Git sources"],
  ["RUN <<EOF\necho", "unterminated heredoc"],
  ["RUN --mount=type=band true", 'unsupported mount type "band" (did you mean bind?)'],
  ["RUN --mount=type=cache,targte=/x true", "unexpected key 'targte' in 'targte=/x' (did you mean target?)"],
  ["RUN --mount=type=cache true", 'invalid mount target "/"'],
  ["RUN --mount=type=cache,target=/x,sharing=some true", 'unsupported sharing value "some"'],
  ["RUN --mount=type=tmpfs,target=/x,size=big true", "invalid value for size: big"],
  ["RUN --network=some true", 'invalid network mode "some"'],
  ["CMD [1]", "when using JSON array syntax, arrays must be comprised of strings only"],
  ["ENV a=${b", 'failed to process "${b": unsupported modifier () in substitution'],
  ["ENV a=${b:x}", 'failed to process "${b:x}": unsupported modifier (:x) in substitution'],
  ["ENV a=${b:?needed}", 'failed to process "${b:?needed}": b: needed'],
  ['ENV a="b', "unexpected end of statement while looking for matching double-quote"],
  ["ENV a", "ENV must have two arguments"],
  ["ENV a=b c", 'can\'t find = in "c". Must be of the form: name=value'],
  ["ENV =b", "ENV names can not be blank"],
  ["ARG", "ARG requires at least one argument"],
  ["ARG =x", "ARG names can not be blank"],
  ["SHELL sh -c", "SHELL requires the arguments to be in JSON form"],
  ["EXPOSE http", "invalid containerPort: http"],
  ["EXPOSE 70000", "invalid containerPort: 70000"],
  ["EXPOSE 90-80", "invalid containerPort: 90-80"],
  ["EXPOSE 80/xyz", 'invalid port: "80/xyz": invalid proto: xyz'],
  ["USER", "USER requires exactly one argument"],
  ["WORKDIR", "WORKDIR requires exactly one argument"],
  ['VOLUME [""]', "VOLUME specified can not be an empty string"],
  ["STOPSIGNAL SIGNONE", "invalid signal: SIGNONE"],
  ["HEALTHCHECK RUN true", 'Unknown type "RUN" in HEALTHCHECK (try CMD)'],
  ["HEALTHCHECK NONE true", "HEALTHCHECK NONE takes no arguments"],
  ["HEALTHCHECK --interval=soon CMD true", 'time: invalid duration "soon"'],
  ["ONBUILD", "ONBUILD requires at least one argument"],
  ["ONBUILD ONBUILD RUN true", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
  ["ONBUILD FROM busybox", "FROM isn't allowed as an ONBUILD trigger"],
  ["MAINTAINER", "MAINTAINER requires exactly one argument"],
];

const failure = async (text: string, target: string): Promise<unknown> => {
  try {
    await build(text, { target });
  } catch (thrown) {
    return thrown;
  }
  throw new Error("it was built");
};

test.each(WHOLE)("%j", async (text, says, target = "") => {
  expect(String(await failure(text, target))).toContain(says);
});

test.each(INSTRUCTIONS)("%s", async (instruction, says) => {
  const error = await failure(`FROM busybox\n${instruction}\nCMD ["a"]\n`, "");
  if (!(error instanceof DockerfileError)) throw error;
  expect(error.summary).toContain(says);
  // The lines are shown, with the one that is meant marked.
  expect(error.message).toContain(`   2 | >>> ${instruction.split("\n")[0]}`);
});
