// Signing in with a user's password; afterwards back to where one was.

import { useState } from "preact/hooks";
import { ApiError, type Session, signIn } from "./api.ts";
import { Heading, Problem, wordsOf } from "./parts.tsx";

export function SignIn({ onDone }: { readonly onDone: (session: Session) => void }) {
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    setBusy(true);
    try {
      onDone(await signIn(String(given.get("name")), String(given.get("password"))));
    } catch (thrown) {
      const wrong = thrown instanceof ApiError && thrown.status === 401;
      setError(wrong ? "Name or password is wrong." : wordsOf(thrown));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main>
      <Heading title="Sign in" />
      <Problem text={error} />
      <form
        class="sign-in"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <label>
          Name
          <input name="name" autoComplete="username" autoCapitalize="none" spellcheck={false} required />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <div class="actions">
          <button type="submit" class="main" disabled={busy}>
            {busy ? "Signing in…" : "Sign in"}
          </button>
        </div>
      </form>
    </main>
  );
}
