// Errors with the place in the Dockerfile that they are about, as BuildKit's clients print it: an errdefs.Source, in
// JSON, among the status's details (BuildKit, util/grpcerrors and solver/errdefs).

import { DockerfileError } from "../dockerfile/source.ts";
import { type Detail, GrpcError, toGrpcError } from "./grpc/status.ts";

const SOURCE_URL = "github.com/moby/buildkit/errdefs.Source+json";

export interface SourceFile {
  readonly name: string;
  readonly text: string;
}

export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/** @param lines where it happened, for errors that don't say themselves. */
export function locatedError(thrown: unknown, file: SourceFile, lines: LineRange | undefined): GrpcError {
  const error = toGrpcError(thrown);
  const isOwn = thrown instanceof DockerfileError;
  const range = isOwn ? thrown.range : lines;
  if (range === undefined || error.details.some(({ typeUrl }) => typeUrl === SOURCE_URL)) return error;
  const hint = isOwn && thrown.hint !== undefined ? ` (${thrown.hint})` : "";
  const message = isOwn ? `${thrown.summary}${hint}` : error.message;
  return new GrpcError(error.code, message, [...error.details, sourceDetail(file, range)], { cause: thrown });
}

function sourceDetail({ name, text }: SourceFile, { start, end }: LineRange): Detail {
  const source = {
    info: { filename: name, data: Buffer.from(text).toString("base64"), language: "Dockerfile" },
    ranges: [{ start: { line: start }, end: { line: end } }],
  };
  return { typeUrl: SOURCE_URL, value: Buffer.from(JSON.stringify(source)) };
}
