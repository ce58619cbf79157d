// Private keys as files hold them: OpenSSH's own form (PROTOCOL.key) and PEM (PKCS#1, PKCS#8, SEC 1), without a
// passphrase. What comes of one is what an agent needs: its public form, and signatures.

import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { Wire, WireReader } from "./ssh-wire.ts";

type Jwk = Readonly<Record<string, string>>;

export interface PrivateKey {
  /** As authorized_keys has it, decoded (RFC 4253, section 6.6). */
  readonly blob: Buffer;
  readonly comment: string;
  /** A signature with its algorithm. @param flags of the agent's protocol: which hash an RSA key uses */
  sign(data: Uint8Array, flags: number): Buffer;
}

const MAGIC = "openssh-key-v1\0";
/** SSH_AGENT_RSA_SHA2_256 and …_512 (draft-miller-ssh-agent). */
const RSA_SHA256 = 2;
const RSA_SHA512 = 4;
const CURVES: Readonly<Record<string, { readonly jwk: string; readonly hash: string; readonly bytes: number }>> = {
  nistp256: { jwk: "P-256", hash: "sha256", bytes: 32 },
  nistp384: { jwk: "P-384", hash: "sha384", bytes: 48 },
  nistp521: { jwk: "P-521", hash: "sha512", bytes: 66 },
};

/** @throws Error that says what is wrong with it, never what is in it. */
export function parsePrivateKey(text: string, comment: string): PrivateKey {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----/.exec(
    text,
  )?.[1];
  if (body !== undefined) return fromOpenSsh(Buffer.from(body, "base64"), comment);
  if (!/-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/.test(text)) throw new Error("it is no private key");
  if (/ENCRYPTED/.test(text)) throw encrypted();
  return keyOf(createPrivateKey(text), comment);
}

function fromOpenSsh(bytes: Buffer, comment: string): PrivateKey {
  if (bytes.subarray(0, MAGIC.length).toString("latin1") !== MAGIC) throw new Error("it is no private key");
  const outer = new WireReader(bytes.subarray(MAGIC.length));
  if (outer.text() !== "none") throw encrypted();
  outer.string();
  outer.string();
  if (outer.number() !== 1) throw new Error("it holds more than one key");
  outer.string();
  const inner = new WireReader(outer.string());
  const [check, again] = [inner.number(), inner.number()];
  if (check !== again) throw new Error("it is broken");
  return keyOf(createPrivateKey({ key: jwkOf(inner), format: "jwk" }), comment);
}

function jwkOf(reader: WireReader): Jwk {
  const type = reader.text();
  if (type === "ssh-ed25519") {
    const [x, both] = [reader.string(), reader.string()];
    return { kty: "OKP", crv: "Ed25519", x: url(x), d: url(both.subarray(0, 32)) };
  }
  if (type === "ssh-rsa") {
    const [n, e, d, qi, p, q] = [1, 2, 3, 4, 5, 6].map(() => reader.integer());
    if (
      n === undefined ||
      e === undefined ||
      d === undefined ||
      qi === undefined ||
      p === undefined ||
      q === undefined
    ) {
      throw new Error("it is broken");
    }
    const reduced = (prime: Buffer) => {
      const hex = (big(d) % (big(prime) - 1n)).toString(16);
      return url(Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex"));
    };
    return {
      kty: "RSA",
      n: url(n),
      e: url(e),
      d: url(d),
      p: url(p),
      q: url(q),
      qi: url(qi),
      dp: reduced(p),
      dq: reduced(q),
    };
  }
  const curve = CURVES[/^ecdsa-sha2-(\w+)$/.exec(type)?.[1] ?? ""];
  if (curve === undefined) throw new Error(`keys of type ${type.slice(0, 40)} can't be used: add it to an agent`);
  reader.string();
  const point = reader.string();
  const { bytes } = curve;
  if (point[0] !== 4 || point.length !== 1 + 2 * bytes) throw new Error("it is broken");
  const d = reader.integer();
  const padded = Buffer.concat([Buffer.alloc(Math.max(0, bytes - d.length)), d]);
  return {
    kty: "EC",
    crv: curve.jwk,
    x: url(point.subarray(1, 1 + bytes)),
    y: url(point.subarray(1 + bytes)),
    d: url(padded),
  };
}

function keyOf(key: KeyObject, comment: string): PrivateKey {
  const jwk = createPublicKey(key).export({ format: "jwk" });
  const part = (text: string | undefined) => Buffer.from(text ?? "", "base64url");
  if (jwk.kty === "OKP" && jwk.crv === "Ed25519") {
    return {
      blob: new Wire().text("ssh-ed25519").string(part(jwk.x)).bytes,
      comment,
      sign: (data) => new Wire().text("ssh-ed25519").string(sign(null, data, key)).bytes,
    };
  }
  if (jwk.kty === "RSA") {
    return {
      blob: new Wire().text("ssh-rsa").integer(part(jwk.e)).integer(part(jwk.n)).bytes,
      comment,
      sign(data, flags) {
        const [name, hash] =
          (flags & RSA_SHA512) !== 0
            ? ["rsa-sha2-512", "sha512"]
            : (flags & RSA_SHA256) !== 0
              ? ["rsa-sha2-256", "sha256"]
              : ["ssh-rsa", "sha1"];
        return new Wire().text(name ?? "").string(sign(hash, data, key)).bytes;
      },
    };
  }
  const [name, curve] = Object.entries(CURVES).find(([, each]) => jwk.kty === "EC" && each.jwk === jwk.crv) ?? [];
  if (name === undefined || curve === undefined) throw new Error("keys of its type can't be used: add it to an agent");
  const type = `ecdsa-sha2-${name}`;
  const point = Buffer.concat([Buffer.from([4]), part(jwk.x), part(jwk.y)]);
  return {
    blob: new Wire().text(type).text(name).string(point).bytes,
    comment,
    sign(data) {
      const both = sign(curve.hash, data, { key, dsaEncoding: "ieee-p1363" });
      const half = both.length / 2;
      const pair = new Wire().integer(both.subarray(0, half)).integer(both.subarray(half)).bytes;
      return new Wire().text(type).string(pair).bytes;
    },
  };
}

const url = (bytes: Buffer) => bytes.toString("base64url");
const big = (bytes: Buffer) => BigInt(`0x${bytes.toString("hex") || "0"}`);

function encrypted(): Error {
  return new Error("it has a passphrase: add it to an agent");
}
