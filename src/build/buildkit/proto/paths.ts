// Paths of the calls that a client of a plain build makes or answers, as HTTP/2 has them; written out so that it need not
// read the services' descriptions (gen/), which a test compares.

export const PATHS = {
  solve: "/moby.buildkit.v1.Control/Solve",
  status: "/moby.buildkit.v1.Control/Status",
  health: "/grpc.health.v1.Health/Check",
  diffCopy: "/moby.filesync.v1.FileSync/DiffCopy",
  credentials: "/moby.filesync.v1.Auth/Credentials",
  fetchToken: "/moby.filesync.v1.Auth/FetchToken",
  secret: "/moby.buildkit.secrets.v1.Secrets/GetSecret",
} as const;
