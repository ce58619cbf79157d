// Volumes.
// Shapes of Docker Engine API v1.51 (moby api/swagger.yaml); field names are the wire's own.

export interface Volume {
  Name: string;
  Driver: string;
  Mountpoint: string;
  CreatedAt?: string;
  Status?: Record<string, Record<string, unknown>>;
  Labels: Record<string, string>;
  Scope: "local" | "global";
  ClusterVolume?: unknown;
  Options: Record<string, string>;
  UsageData?: {
    Size: number;
    RefCount: number;
  } | null;
}

export interface VolumeCreateOptions {
  Name?: string;
  Driver?: string;
  DriverOpts?: Record<string, string>;
  Labels?: Record<string, string>;
  ClusterVolumeSpec?: unknown;
}

export interface VolumeListResponse {
  Volumes: Volume[];
  Warnings: string[];
}
