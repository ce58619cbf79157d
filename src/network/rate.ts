// A container's network rate (HostConfig.NetworkRate): checking it, and holding it on an endpoint's veth pair. Both
// directions are held on the host's end, which the container can't reach: what goes in leaves the host's end through a
// bucket; what comes out is led through an intermediate device (ifb) with a bucket of its own.
// See docs/decisions/net-rate.md.

import type { NetworkRate } from "../api/types/container.ts";
import { HoyError } from "../base/error.ts";
import { SystemError } from "../linux/libc.ts";
import type { Netlink } from "../linux/netlink.ts";
import * as link from "./link.ts";
import { type Bucket, leadThrough, removeBucket, setBucket, stopLeading } from "./traffic.ts";
import { createIfb } from "./virtual-link.ts";

/** Bits a second. Below a kilobyte a second nothing would come through within a connection's patience. */
const LEAST = 8_000;
const MOST = 100_000_000_000;
/** Bytes. */
const BURST = { least: 1_600, most: 64 * 1024 * 1024 } as const;
const ETHERNET_HEADER = 14;

/** @throws HoyError "invalid" for numbers that can't be. */
export function checkRate(rate: NetworkRate | undefined): void {
  if (rate === undefined) return;
  for (const [key, value] of [
    ["Egress", rate.Egress],
    ["Ingress", rate.Ingress],
  ] as const) {
    if (value && (!Number.isSafeInteger(value) || value < LEAST || value > MOST)) {
      throw new HoyError("invalid", `invalid NetworkRate.${key}: ${value}: it is 8000 to 100000000000 bits a second`);
    }
  }
  const burst = rate.Burst;
  if (burst && (!Number.isSafeInteger(burst) || burst < BURST.least || burst > BURST.most)) {
    throw new HoyError("invalid", `invalid NetworkRate.Burst: ${burst}: it is ${BURST.least} to ${BURST.most} bytes`);
  }
  if (burst && !limits(rate)) throw new HoyError("invalid", "NetworkRate.Burst needs a rate in one direction at least");
}

export function limits(rate: NetworkRate | undefined): rate is NetworkRate {
  return Boolean(rate?.Egress || rate?.Ingress);
}

/** The ifb of the endpoint whose host's end is `hostInterface` ("vh…"). */
export function rateDevice(hostInterface: string): string {
  return hostInterface.replace(/^vh/, "vi");
}

/**
 * Idempotent; `undefined` takes every limit away.
 * @param group Marks the ifb as this engine's, for its sweep.
 * @throws HoyError "unavailable" where the kernel lacks a part of it.
 */
export function holdRate(socket: Netlink, hostInterface: string, rate: NetworkRate | undefined, group: number): void {
  const end = link.findLink(socket, hostInterface);
  if (end === undefined) return; // its namespace is gone, and it with it
  try {
    if (rate?.Ingress) setBucket(socket, end.index, bucketOf(rate.Ingress, rate.Burst, end.mtu));
    else removeBucket(socket, end.index);
    if (rate?.Egress) shapeEgress(socket, end, bucketOf(rate.Egress, rate.Burst, end.mtu), group);
    else {
      stopLeading(socket, end.index);
      link.deleteLink(socket, rateDevice(hostInterface));
    }
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    throw new HoyError("unavailable", `the network rate can't be held: ${error.message}`, {
      hint: "the kernel needs sch_tbf, sch_ingress, cls_u32, act_mirred and ifb",
      cause: error,
    });
  }
}

/** The bucket stands before anything is led to it, so that nothing gets past it meanwhile. */
function shapeEgress(socket: Netlink, end: link.Link, bucket: Bucket, group: number): void {
  const name = rateDevice(end.name);
  if (link.findLink(socket, name) === undefined) createIfb(socket, name, group);
  const device = link.findLink(socket, name);
  if (device === undefined) throw new HoyError("internal", `the device ${name} went away while it was made`);
  setBucket(socket, device.index, bucket);
  link.setUp(socket, device.index);
  leadThrough(socket, end.index, device.index);
}

/** A burst of 10 ms by itself, and a queue of 100 ms: enough for TCP to fill the rate, little enough not to feel slow. */
function bucketOf(bits: number, burst: number | undefined, mtu: number): Bucket {
  const rate = Math.floor(bits / 8);
  const least = mtu + ETHERNET_HEADER;
  const bytes = Math.max(burst || Math.min(Math.max(16 * 1024, Math.floor(rate / 100)), BURST.most), least);
  const queue = Math.min(Math.max(Math.floor(rate / 10), 64 * 1024), 256 * 1024 * 1024);
  return { rate, burst: bytes, limit: bytes + queue };
}
