// The flags that say that blobs are in an S3-compatible store. Its keys come from the environment, where other programs
// look for them too: a command line is read by everybody on the machine.

import { BlobS3 } from "../../../registry/server/s3/blob-s3.ts";
import { ExitError } from "../../base/errors.ts";
import { flag } from "../../flag.ts";
import type { Values } from "../../flags.ts";

export const s3Flags = () => ({
  "s3-bucket": flag.string("URL of an S3 bucket that blobs are kept in"),
  "s3-prefix": flag.string("What all keys in the bucket begin with"),
  "s3-redirect": flag.bool("Send readers to the bucket, by addresses signed for them"),
  "s3-region": flag.string("Region of the bucket", { initial: "us-east-1" }),
});

/** undefined: blobs are files. @throws ExitError */
export function blobsOf(
  flags: Values<ReturnType<typeof s3Flags>>,
  env: Readonly<Record<string, string | undefined>>,
): BlobS3 | undefined {
  const bucket = flags["s3-bucket"];
  const prefix = flags["s3-prefix"];
  if (bucket === "") return undefined;
  if (!URL.canParse(bucket) || !["http:", "https:"].includes(new URL(bucket).protocol) || bucket.includes("?"))
    throw new ExitError(1, "--s3-bucket is the http or https URL of a bucket");
  if (!/^[A-Za-z0-9._/-]{0,200}$/.test(prefix)) throw new ExitError(1, "--s3-prefix has letters, digits and . _ / -");
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = env;
  if (!accessKeyId || !secretAccessKey)
    throw new ExitError(1, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
  return new BlobS3({
    bucket: bucket.replace(/\/+$/, ""),
    prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`,
    region: flags["s3-region"],
    accessKeyId,
    secretAccessKey,
    ...(token ? { sessionToken: token } : {}),
    redirect: flags["s3-redirect"],
  });
}
