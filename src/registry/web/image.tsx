// One image: where it runs, its layers and what made each, how it starts. Of an index, its platforms.

import { type ImageConfig, type Layer, type Manifest, manifest, removeManifest, repository } from "./api.ts";
import { instruction, short, size } from "./format.ts";
import { Command, Heading, Problem, Remove, Time, useLoaded } from "./parts.tsx";
import { toImage, toRepository } from "./route.ts";

export function ImageView({ name, reference }: { readonly name: string; readonly reference: string }) {
  const { value, error } = useLoaded(`${name}@${reference}`, () => manifest(name, reference));
  const owner = useLoaded(name, () => repository(name));
  const separator = reference.includes(":") ? "@" : ":";
  const shown = reference.includes(":") ? short(reference) : reference;
  return (
    <main>
      <p class="faint">
        <a href={toRepository(name)}>{name}</a>
      </p>
      <Heading title={`${name}${separator}${shown}`} />
      <Problem text={error} />
      {value !== undefined && (
        <>
          <Command text={`docker pull ${location.host}/${name}${separator}${reference}`} />
          <Facts name={name} image={value} />
          {owner.value?.actions.includes("delete") === true && (
            <div class="actions">
              <Remove
                label="Delete image"
                question={`Delete ${short(value.digest)} of ${name}?`}
                consequence={tagWords(value.tags)}
                remove={() => removeManifest(name, value.digest)}
                onDone={() => {
                  location.hash = toRepository(name);
                }}
              />
            </div>
          )}
          {value.platforms.length > 0 && <Platforms name={name} image={value} />}
          {value.layers.length > 0 && <Layers layers={value.layers} />}
          {value.config !== null && value.config.history.length > 0 && <History config={value.config} />}
          {value.config !== null && <Runs config={value.config} />}
          <Pairs title="Annotations" pairs={value.annotations} />
          {value.config !== null && <Pairs title="Labels" pairs={value.config.labels} />}
        </>
      )}
    </main>
  );
}

function tagWords(tags: readonly string[]): string {
  if (tags.length === 0) return "It has no tags.";
  return `${tags.length === 1 ? "The tag" : `The ${tags.length} tags`} ${tags.join(", ")} will go with it.`;
}

const KINDS: Readonly<Record<string, string>> = {
  "application/vnd.oci.image.config.v1+json": "OCI image",
  "application/vnd.oci.image.manifest.v1+json": "OCI image",
  "application/vnd.oci.image.index.v1+json": "OCI index",
  "application/vnd.docker.container.image.v1+json": "Docker image",
  "application/vnd.docker.distribution.manifest.v2+json": "Docker image",
  "application/vnd.docker.distribution.manifest.list.v2+json": "Docker manifest list",
};

function kindOf({ artifactType, mediaType }: Manifest): string {
  const type = artifactType ?? mediaType;
  return KINDS[type] ?? type;
}

function Facts({ name, image }: { readonly name: string; readonly image: Manifest }) {
  return (
    <dl class="facts">
      <dt>Digest</dt>
      <dd>
        <code>{image.digest}</code>
      </dd>
      <dt>Kind</dt>
      <dd class="wrap">{kindOf(image)}</dd>
      {image.config?.platform != null && (
        <>
          <dt>Platform</dt>
          <dd>{image.config.platform}</dd>
        </>
      )}
      <dt>Size</dt>
      <dd>{size(image.totalSize)}</dd>
      <dt>Pushed</dt>
      <dd>
        <Time at={image.pushedAt} />
        {image.pushedBy !== null && ` by ${image.pushedBy}`}
      </dd>
      {image.config?.created != null && !Number.isNaN(Date.parse(image.config.created)) && (
        <>
          <dt>Created</dt>
          <dd>
            <Time at={image.config.created} />
          </dd>
        </>
      )}
      {image.subject !== null && (
        <>
          <dt>Belongs to</dt>
          <dd>
            <a class="mono" href={toImage(name, image.subject)}>
              {short(image.subject)}
            </a>
          </dd>
        </>
      )}
      <dt>Tags</dt>
      <dd class="wrap">{image.tags.length === 0 ? "none" : image.tags.join(", ")}</dd>
    </dl>
  );
}

function Platforms({ name, image }: { readonly name: string; readonly image: Manifest }) {
  return (
    <section aria-labelledby="platforms">
      <h2 id="platforms">Platforms</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Platform</th>
            <th scope="col">Digest</th>
          </tr>
        </thead>
        <tbody>
          {image.platforms.map((each) => (
            <tr key={each.digest}>
              <td class="name">
                <a href={toImage(name, each.digest)}>
                  {each.annotations["vnd.docker.reference.type"] ?? each.platform ?? "unknown"}
                </a>
              </td>
              <td class="mono" data-label="Digest">
                <span title={each.digest}>{short(each.digest)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Layers({ layers }: { readonly layers: readonly Layer[] }) {
  const largest = Math.max(1, ...layers.map((each) => each.size));
  return (
    <section aria-labelledby="layers">
      <h2 id="layers">Layers</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Digest</th>
            <th scope="col" class="number">
              Size
            </th>
            <th scope="col" aria-label="Share" />
          </tr>
        </thead>
        <tbody>
          {layers.map((each, index) => (
            <tr key={`${index} ${each.digest}`}>
              <td class="mono name">
                <span title={`${each.digest}, ${each.mediaType}`}>{short(each.digest)}</span>
              </td>
              <td class="number" data-label="Size">
                {size(each.size)}
              </td>
              <td class="plot" aria-hidden="true">
                <svg class="share" width={`${(each.size / largest) * 100}%`} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function History({ config }: { readonly config: ImageConfig }) {
  return (
    <section aria-labelledby="history">
      <h2 id="history">History</h2>
      <ol class="history">
        {config.history.map((step, index) => (
          <li key={index}>
            <pre>{instruction(step.createdBy) || step.comment || "(nothing is said)"}</pre>
            <span class="number faint">{step.layer === null ? "" : size(step.layer.size)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Runs({ config }: { readonly config: ImageConfig }) {
  const words = (list: readonly string[]) => (list.length === 0 ? "" : JSON.stringify(list));
  const facts: readonly (readonly [string, string])[] = [
    ["Entrypoint", words(config.entrypoint)],
    ["Command", words(config.cmd)],
    ["User", config.user],
    ["Directory", config.workingDir],
    ["Ports", config.ports.join(", ")],
    ["Volumes", config.volumes.join(", ")],
    ["Stop signal", config.stopSignal],
    ["Environment", config.env.join("\n")],
  ];
  const given = facts.filter(([, value]) => value !== "");
  if (given.length === 0) return null;
  return (
    <section aria-labelledby="runs">
      <h2 id="runs">How it runs</h2>
      <dl class="facts">
        {given.map(([label, value]) => (
          <>
            <dt>{label}</dt>
            <dd>
              {value.split("\n").map((line) => (
                <div key={line}>
                  <code>{line}</code>
                </div>
              ))}
            </dd>
          </>
        ))}
      </dl>
    </section>
  );
}

function Pairs({ title, pairs }: { readonly title: string; readonly pairs: Readonly<Record<string, string>> }) {
  const entries = Object.entries(pairs);
  if (entries.length === 0) return null;
  return (
    <section aria-labelledby={title}>
      <h2 id={title}>{title}</h2>
      <dl class="facts">
        {entries.map(([key, value]) => (
          <>
            <dt class="wrap">{key}</dt>
            <dd>
              <code>{value}</code>
            </dd>
          </>
        ))}
      </dl>
    </section>
  );
}
