// One repository: how to pull it, its tags, and for those who manage it, who may see it.

import { useEffect, useState } from "preact/hooks";
import { removeRepository, removeTag, repository, setPublic, type Tag, tags } from "./api.ts";
import { short, size } from "./format.ts";
import { Command, Heading, Problem, Remove, Time, useLoaded, wordsOf } from "./parts.tsx";
import { toImage } from "./route.ts";

export function RepositoryView({ name }: { readonly name: string }) {
  const { value, error, reload } = useLoaded(name, () => repository(name));
  const list = useTags(name);
  const [refused, setRefused] = useState<string>();
  const changed = () => {
    reload();
    list.reload();
  };
  const publish = async (open: boolean) => {
    try {
      await setPublic(name, open);
      setRefused(undefined);
      reload();
    } catch (thrown) {
      setRefused(wordsOf(thrown));
    }
  };
  const deletes = value?.actions.includes("delete") === true;
  const newest = list.shown?.[0]?.name;
  return (
    <main>
      <Heading title={name}>
        {value !== undefined && <span class="badge">{value.public ? "public" : "private"}</span>}
      </Heading>
      <Problem text={error ?? refused ?? list.error} />
      {value !== undefined && (
        <>
          <p class="faint">
            {value.tags} {value.tags === 1 ? "tag" : "tags"}, {size(value.size)}, updated <Time at={value.updatedAt} />
          </p>
          {newest !== undefined && <Command text={`docker pull ${location.host}/${name}:${newest}`} />}
          <div class="actions">
            {value.manages && (
              <button type="button" onClick={() => void publish(!value.public)}>
                {value.public ? "Make private" : "Make public"}
              </button>
            )}
            {deletes && (
              <Remove
                label="Delete repository"
                question={`Delete ${name}?`}
                consequence="All its tags and images go. What other repositories share with it stays."
                remove={() => removeRepository(name)}
                onDone={() => {
                  location.hash = "#/";
                }}
              />
            )}
          </div>
        </>
      )}
      {list.shown?.length === 0 && <p class="empty">This repository has no tags.</p>}
      {list.shown !== undefined && list.shown.length > 0 && (
        <Table name={name} shown={list.shown} deletes={deletes} onChange={changed} />
      )}
      {list.more !== undefined && (
        <div class="actions">
          <button type="button" onClick={list.more}>
            Show more
          </button>
        </div>
      )}
    </main>
  );
}

interface TableProps {
  readonly name: string;
  readonly shown: readonly Tag[];
  readonly deletes: boolean;
  readonly onChange: () => void;
}

function Table({ name, shown, deletes, onChange }: TableProps) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Tag</th>
          <th scope="col">Digest</th>
          <th scope="col" class="number">
            Size
          </th>
          <th scope="col">Pushed</th>
          {deletes && <th scope="col" aria-label="Delete" />}
        </tr>
      </thead>
      <tbody>
        {shown.map((tag) => (
          <tr key={tag.name}>
            <td class="name wrap">
              <a href={toImage(name, tag.name)}>{tag.name}</a>
            </td>
            <td class="mono" data-label="Digest">
              <span title={tag.digest}>{short(tag.digest)}</span>
            </td>
            <td class="number" data-label="Size">
              {size(tag.size)}
            </td>
            <td data-label="Pushed">
              <span>
                <Time at={tag.updatedAt} />
                {tag.updatedBy !== null && <span class="faint"> by {tag.updatedBy}</span>}
              </span>
            </td>
            {deletes && (
              <td class="end" data-label="">
                <Remove
                  label="Delete"
                  question={`Delete tag ${tag.name} of ${name}?`}
                  consequence="The tag goes. Its image stays as long as another tag or image names it."
                  remove={() => removeTag(name, tag.name)}
                  onDone={onChange}
                />
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function useTags(name: string) {
  const [round, setRound] = useState(0);
  const [shown, setShown] = useState<readonly Tag[]>();
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<string>();
  const load = async (last: string, current: () => boolean) => {
    try {
      const page = await tags(name, last);
      if (!current()) return;
      setShown((before) => (last === "" ? page.tags : [...(before ?? []), ...page.tags]));
      setNext(page.next);
    } catch (thrown) {
      if (current()) setError(wordsOf(thrown));
    }
  };
  useEffect(() => {
    let current = true;
    void load("", () => current);
    return () => {
      current = false;
    };
  }, [name, round]);
  return {
    shown,
    error,
    more: next === null ? undefined : () => void load(next, () => true),
    reload: () => setRound((before) => before + 1),
  };
}
