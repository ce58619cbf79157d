// The registry's JSON API as the page calls it (docs/registry.md has the shapes). Changes carry the session's second secret.

export interface Session {
  readonly users: boolean;
  readonly user: string | null;
  readonly admin: boolean;
  readonly csrfToken: string | null;
}

export interface Repository {
  readonly name: string;
  readonly tags: number;
  readonly size: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly public: boolean;
  readonly actions: readonly string[];
  readonly manages: boolean;
}

export interface Tag {
  readonly name: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
  readonly updatedAt: string;
  readonly updatedBy: string | null;
}

export interface Layer {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
}

export interface Platform extends Layer {
  readonly platform: string | null;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Step {
  readonly created: string | null;
  readonly createdBy: string;
  readonly comment: string;
  readonly layer: { readonly digest: string; readonly size: number } | null;
}

export interface ImageConfig {
  readonly platform: string | null;
  readonly created: string | null;
  readonly author: string | null;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly stopSignal: string;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly history: readonly Step[];
}

export interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType: string | null;
  readonly subject: string | null;
  readonly size: number;
  readonly totalSize: number;
  readonly pushedAt: string;
  readonly pushedBy: string | null;
  readonly tags: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly platforms: readonly Platform[];
  readonly layers: readonly Layer[];
  readonly config: ImageConfig | null;
}

/** What the registry refused; `status` is HTTP's. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

let csrfToken: string | null = null;

export async function session(): Promise<Session> {
  return keep(await call<Session>("GET", "session"));
}

export async function signIn(name: string, password: string): Promise<Session> {
  return keep(await call<Session>("POST", "session", { name, password }));
}

export async function signOut(): Promise<void> {
  await call("DELETE", "session");
}

export function repositories(search: string, last: string) {
  const query = new URLSearchParams({ q: search, last, n: "50" });
  return call<{ repositories: Repository[]; next: string | null }>("GET", `repositories?${query}`);
}

export function repository(name: string) {
  return call<Repository>("GET", `repositories/${name}`);
}

export function tags(name: string, last: string) {
  const query = new URLSearchParams({ last, n: "100" });
  return call<{ tags: Tag[]; next: string | null }>("GET", `repositories/${name}/-/tags?${query}`);
}

export function manifest(name: string, reference: string) {
  return call<Manifest>("GET", `repositories/${name}/-/manifests/${encodeURIComponent(reference)}`);
}

export function setPublic(name: string, open: boolean) {
  return call<Repository>("PATCH", `repositories/${name}`, { public: open });
}

export async function removeRepository(name: string): Promise<void> {
  await call("DELETE", `repositories/${name}`);
}

export async function removeTag(name: string, tag: string): Promise<void> {
  await call("DELETE", `repositories/${name}/-/tags/${encodeURIComponent(tag)}`);
}

export async function removeManifest(name: string, digest: string): Promise<void> {
  await call("DELETE", `repositories/${name}/-/manifests/${encodeURIComponent(digest)}`);
}

function keep(opened: Session): Session {
  csrfToken = opened.csrfToken;
  return opened;
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrfToken !== null) headers["X-CSRF-Token"] = csrfToken;
  const response = await fetch(`/api/v1/${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new ApiError(response.status, messageOf(text) ?? `the registry answered ${response.status}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/** The first message of the spec's error answer. */
function messageOf(text: string): string | undefined {
  try {
    const { errors } = JSON.parse(text) as { errors?: { message?: string }[] };
    return errors?.[0]?.message;
  } catch {
    return undefined; // a proxy's answer, not the registry's
  }
}
