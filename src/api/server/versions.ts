// How answers and requests differ by the API version a client asked for: all the rules, in one place, each with the
// version in which Docker changed it (moby docs/api/version-history.md). The engine speaks the newest version only.

import type { DiskUsage } from "../backend.ts";
import type { ContainerInspectResponse, ContainerSummary } from "../types/container.ts";
import type { ImageInspect, ImageSummary } from "../types/image.ts";
import type { Network } from "../types/network.ts";
import type { EventMessage, SystemInfo } from "../types/system.ts";
import type { CreateBody } from "./bodies/container.ts";
import type { Call } from "./call.ts";

type Version = Pick<Call, "atLeast">;

export function shapeCreate(body: CreateBody, _v: Version): CreateBody {
  return body;
}
export function shapeContainer(found: ContainerInspectResponse, _v: Version): ContainerInspectResponse {
  return found;
}
export function shapeSummary(found: ContainerSummary, _v: Version): ContainerSummary {
  return found;
}
export function shapeImage(found: ImageInspect, _v: Version): ImageInspect {
  return found;
}
export function shapeImageSummary(found: ImageSummary, _v: Version): ImageSummary {
  return found;
}
export function shapeNetwork(found: Network, _v: Version): Network {
  return found;
}
export function shapeInfo(found: SystemInfo, _v: Version): SystemInfo {
  return found;
}
export function shapeDiskUsage(found: Partial<DiskUsage>, _v: Version): Partial<DiskUsage> {
  return found;
}

/** The fields before 1.22's Actor, which clients still read; they went away only after 1.51. */
export function shapeEvent(event: EventMessage): EventMessage & { status?: string; id?: string; from?: string } {
  const { Type, Action, Actor } = event;
  if (Type === "container") {
    return { status: Action, id: Actor?.ID, from: Actor?.Attributes.image, ...event };
  }
  return Type === "image" ? { status: Action, id: Actor?.ID, ...event } : event;
}
