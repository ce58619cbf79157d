// Traffic control by rtnetlink, as far as rates need it: a token bucket (tbf) on a link, and all that comes in by a link
// led through another one. tc(8), tc-tbf(8), tc-mirred(8); numbers: <linux/pkt_sched.h>, <linux/pkt_cls.h>,
// <linux/tc_act/tc_mirred.h>. What a rate means for a container is rate.ts's.

import { isErrno } from "../linux/libc.ts";
import { type Netlink, NLM_F } from "../linux/netlink.ts";
import * as nl from "../linux/netlink-message.ts";

const RTM = { NEWQDISC: 36, DELQDISC: 37, GETQDISC: 38, NEWTFILTER: 44 } as const;
const TCA = { KIND: 1, OPTIONS: 2 } as const;
const TCA_TBF = { PARMS: 1, RATE64: 4, BURST: 6 } as const;
const TCA_U32 = { SEL: 5, ACT: 7 } as const;
const TCA_ACT = { KIND: 1, OPTIONS: 2 } as const;
const TCA_MIRRED_PARMS = 2;
const TC_H = { ROOT: 0xffff_ffff, INGRESS: 0xffff_fff1 } as const;
const BUCKET_HANDLE = 0x0001_0000;
const INGRESS_HANDLE = 0xffff_0000;
const TC_LINKLAYER_ETHERNET = 1;
const TC_U32_TERMINAL = 1;
const TC_ACT_STOLEN = 4;
const TCA_EGRESS_REDIR = 1;
const ETH_P_ALL = 0x0003;
const U32_MAX = 0xffff_ffff;

export interface Bucket {
  /** Bytes a second. */
  readonly rate: number;
  /** Bytes that may leave at once; no packet may be larger. */
  readonly burst: number;
  /** Bytes that wait at most; what comes beyond is dropped. */
  readonly limit: number;
}

/** What leaves by the link goes through the bucket. Of a link that has one already, only the numbers change. */
export function setBucket(socket: Netlink, index: number, bucket: Bucket): void {
  const options = [
    nl.attribute(TCA_TBF.PARMS, bucketParameters(bucket)),
    nl.attributeU32(TCA_TBF.BURST, bucket.burst),
    ...(bucket.rate > U32_MAX ? [nl.attributeU64(TCA_TBF.RATE64, BigInt(bucket.rate))] : []),
  ];
  socket.request(`bucket on ${index}`, RTM.NEWQDISC, NLM_F.CREATE | NLM_F.REPLACE, [
    tcmsg(index, BUCKET_HANDLE, TC_H.ROOT),
    nl.attributeText(TCA.KIND, "tbf"),
    nl.nested(TCA.OPTIONS, options),
  ]);
}

/** Idempotent. */
export function removeBucket(socket: Netlink, index: number): void {
  removeQdisc(socket, index, BUCKET_HANDLE, TC_H.ROOT);
}

/** What comes in by `from` leaves by `to` first, and then goes on as if it had just come in. An earlier one is replaced. */
export function leadThrough(socket: Netlink, from: number, to: number): void {
  stopLeading(socket, from);
  socket.request(`ingress of ${from}`, RTM.NEWQDISC, NLM_F.CREATE | NLM_F.EXCL, [
    tcmsg(from, INGRESS_HANDLE, TC_H.INGRESS),
    nl.attributeText(TCA.KIND, "ingress"),
  ]);
  const action = nl.nested(1, [
    nl.attributeText(TCA_ACT.KIND, "mirred"),
    nl.nested(TCA_ACT.OPTIONS, [nl.attribute(TCA_MIRRED_PARMS, redirectParameters(to))]),
  ]);
  // u32 with a key that every packet matches: kernels without cls_matchall have it too.
  const options = [nl.attribute(TCA_U32.SEL, matchAll()), nl.nested(TCA_U32.ACT, [action])];
  socket.request(`filter on ${from}`, RTM.NEWTFILTER, NLM_F.CREATE | NLM_F.EXCL, [
    tcmsg(from, 0, INGRESS_HANDLE, ((1 << 16) | swap16(ETH_P_ALL)) >>> 0),
    nl.attributeText(TCA.KIND, "u32"),
    nl.nested(TCA.OPTIONS, options),
  ]);
}

/** Idempotent. */
export function stopLeading(socket: Netlink, from: number): void {
  removeQdisc(socket, from, INGRESS_HANDLE, TC_H.INGRESS);
}

export interface Qdisc {
  readonly index: number;
  readonly kind: string;
  /** Bytes a second; 0 where it is not a bucket. */
  readonly rate: number;
}

export function listQdiscs(socket: Netlink): Qdisc[] {
  return socket.request("qdiscs", RTM.GETQDISC, NLM_F.DUMP, [tcmsg(0, 0, 0)]).map(({ payload }) => {
    const found = nl.attributes(payload.subarray(20));
    const kind = nl.textOf(found.get(TCA.KIND));
    const options = kind === "tbf" ? nl.attributes(found.get(TCA.OPTIONS) ?? new Uint8Array()) : undefined;
    const wide = options?.get(TCA_TBF.RATE64);
    const rate =
      wide === undefined
        ? nl.u32Of(options?.get(TCA_TBF.PARMS)?.subarray(8, 12))
        : Number(new DataView(wide.buffer, wide.byteOffset, 8).getBigUint64(0, true));
    return { index: nl.u32Of(payload.subarray(4, 8)), kind, rate };
  });
}

/** The kernel has two words for a qdisc that is not there: ENOENT, and EINVAL for ingress and the built-in root. */
function removeQdisc(socket: Netlink, index: number, handle: number, parent: number): void {
  try {
    socket.request(`qdisc on ${index}`, RTM.DELQDISC, 0, [tcmsg(index, handle, parent)]);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "EINVAL", "ENODEV")) throw error;
  }
}

/** struct tcmsg: family, pad, ifindex, handle, parent, info. */
function tcmsg(index: number, handle: number, parent: number, info = 0): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, handle, true);
  view.setUint32(12, parent, true);
  view.setUint32(16, info, true);
  return bytes;
}

/** struct tc_tbf_qopt: two tc_ratespec (12 bytes each: cell log, link layer, overhead, cell align, mpu, rate), limit, buffer, mtu. */
function bucketParameters({ rate, limit }: Bucket): Uint8Array {
  const bytes = new Uint8Array(36);
  const view = new DataView(bytes.buffer);
  // With a link layer that is known the kernel wants no rate table: it counts by itself.
  view.setUint8(1, TC_LINKLAYER_ETHERNET);
  view.setUint32(8, Math.min(rate, U32_MAX), true);
  view.setUint32(24, limit, true);
  return bytes;
}

/** struct tc_u32_sel with one struct tc_u32_key, both zero but for the flag and the count. */
function matchAll(): Uint8Array {
  const bytes = new Uint8Array(32);
  bytes[0] = TC_U32_TERMINAL;
  bytes[2] = 1;
  return bytes;
}

/** struct tc_mirred: index, capab, action, refcnt, bindcnt, eaction, ifindex. */
function redirectParameters(to: number): Uint8Array {
  const bytes = new Uint8Array(28);
  const view = new DataView(bytes.buffer);
  view.setInt32(8, TC_ACT_STOLEN, true);
  view.setInt32(20, TCA_EGRESS_REDIR, true);
  view.setUint32(24, to, true);
  return bytes;
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}
