// Small parts that several views share: a loaded value with its error, the question before something is removed, a
// command to copy, a heading that takes the focus when the view changes.

import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api.ts";
import { ago } from "./format.ts";

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: string | undefined;
  readonly reload: () => void;
}

/** Loads when `key` changes, and again on `reload`; what comes too late is dropped. */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string; value?: T; error?: string }>({ key });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let current = true;
    load().then(
      (value) => current && setState({ key, value }),
      (error: unknown) => current && setState({ key, error: wordsOf(error) }),
    );
    return () => {
      current = false;
    };
  }, [key, round]);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const fresh = state.key === key;
  return { value: fresh ? state.value : undefined, error: fresh ? state.error : undefined, reload };
}

export function wordsOf(error: unknown): string {
  if (error instanceof ApiError && error.status === 401) return "Sign in to see this.";
  if (error instanceof ApiError && error.status === 404)
    return "There is no such thing here, or it is not for your eyes.";
  if (error instanceof ApiError) return `${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`;
  return "The registry can't be reached.";
}

export function Problem({ text }: { readonly text: string | undefined }) {
  return text === undefined ? null : (
    <p class="error" role="alert">
      {text}
    </p>
  );
}

/** Takes the focus, so that keyboard and screen reader begin where the new view does. */
export function Heading({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Registry`;
    heading.current?.focus();
  }, [title]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {title} {children}
    </h1>
  );
}

export function Time({ at }: { readonly at: string }) {
  return (
    <time dateTime={at} title={new Date(at).toLocaleString()}>
      {ago(at, Date.now())}
    </time>
  );
}

export function Command({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  // Without TLS a browser gives no clipboard: the text can be selected.
  const clipboard = "clipboard" in navigator;
  return (
    <div class="command">
      <code>{text}</code>
      {clipboard && (
        <button type="button" onClick={() => void copy()} aria-live="polite">
          {copied ? "Copied" : "Copy"}
        </button>
      )}
    </div>
  );
}

interface RemoveProps {
  /** On the button: "Delete". */
  readonly label: string;
  /** In the question: "Delete tag v1 of team/app?" */
  readonly question: string;
  /** What goes with it, what stays. */
  readonly consequence: string;
  readonly remove: () => Promise<void>;
  readonly onDone: () => void;
}

export function Remove({ label, question, consequence, remove, onDone }: RemoveProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const confirm = async () => {
    setBusy(true);
    try {
      await remove();
      dialog.current?.close();
      onDone();
    } catch (thrown) {
      setError(wordsOf(thrown));
    } finally {
      setBusy(false);
    }
  };
  const open = () => {
    setError(undefined);
    dialog.current?.showModal();
  };
  return (
    <>
      <button type="button" class="danger" aria-label={question.replace(/\?$/, "")} onClick={open}>
        {label}
      </button>
      <dialog ref={dialog} aria-label={question}>
        <h2 class="wrap">{question}</h2>
        <p>{consequence}</p>
        <Problem text={error} />
        <div class="actions">
          {/* Cancel comes first: Enter right after the dialog has opened removes nothing. */}
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="button" class="danger" disabled={busy} onClick={() => void confirm()}>
            {busy ? "Deleting…" : "Delete"}
          </button>
        </div>
      </dialog>
    </>
  );
}
