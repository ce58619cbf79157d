// All repositories that the reader may see: searched, page after page.

import { useEffect, useRef, useState } from "preact/hooks";
import { type Repository, repositories } from "./api.ts";
import { size } from "./format.ts";
import { Heading, Problem, Time, wordsOf } from "./parts.tsx";
import { toRepository } from "./route.ts";

/** Milliseconds after the last key. */
const TYPING = 150;

export function Repositories({ signedIn, users }: { readonly signedIn: boolean; readonly users: boolean }) {
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState<readonly Repository[]>();
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<string>();
  const latest = useRef("");
  const field = useRef<HTMLInputElement>(null);

  const load = async (words: string, last: string) => {
    latest.current = words;
    try {
      const page = await repositories(words, last);
      if (latest.current !== words) return; // the reader has typed on
      setShown((before) => (last === "" ? page.repositories : [...(before ?? []), ...page.repositories]));
      setNext(page.next);
      setError(undefined);
    } catch (thrown) {
      setError(wordsOf(thrown));
    }
  };
  useEffect(() => {
    const timer = setTimeout(() => void load(search, ""), search === "" ? 0 : TYPING);
    return () => clearTimeout(timer);
  }, [search, signedIn]);
  useEffect(() => {
    const slash = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", slash);
    return () => document.removeEventListener("keydown", slash);
  }, []);

  return (
    <main>
      <Heading title="Repositories" />
      <div class="actions">
        <input
          ref={field}
          type="search"
          placeholder="Search  ( / )"
          aria-label="Search repositories"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </div>
      <Problem text={error} />
      {shown?.length === 0 && <p class="empty">{emptyWords(search, users && !signedIn)}</p>}
      {shown !== undefined && shown.length > 0 && <Table shown={shown} />}
      {next !== null && (
        <div class="actions">
          <button type="button" onClick={() => void load(search, next)}>
            Show more
          </button>
        </div>
      )}
    </main>
  );
}

function Table({ shown }: { readonly shown: readonly Repository[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col" class="number">
            Tags
          </th>
          <th scope="col" class="number">
            Size
          </th>
          <th scope="col">Updated</th>
        </tr>
      </thead>
      <tbody>
        {shown.map((each) => (
          <tr key={each.name}>
            <td class="name wrap">
              <a href={toRepository(each.name)}>{each.name}</a>
              {each.public || <span class="badge">private</span>}
            </td>
            <td class="number" data-label="Tags">
              {each.tags}
            </td>
            <td class="number" data-label="Size">
              {size(each.size)}
            </td>
            <td data-label="Updated">
              <Time at={each.updatedAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function emptyWords(search: string, stranger: boolean): string {
  if (search !== "") return `No repository has “${search}” in its name.`;
  return stranger
    ? "Nothing here is public. Sign in to see what is yours."
    : `Nothing has been pushed yet. Try: docker push ${location.host}/hello`;
}
