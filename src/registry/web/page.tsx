// The registry's page: the bar with who is signed in, and below it the view that the address names.

import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Session, session, signOut } from "./api.ts";
import { ImageView } from "./image.tsx";
import { Problem, wordsOf } from "./parts.tsx";
import { Repositories } from "./repositories.tsx";
import { RepositoryView } from "./repository.tsx";
import { parseRoute, type Route } from "./route.ts";
import { SignIn } from "./sign-in.tsx";

function Page() {
  const route = useRoute();
  const before = useRef("#/");
  useEffect(() => {
    if (route.view !== "sign-in") before.current = location.hash || "#/";
  }, [route]);
  const [who, setWho] = useState<Session>();
  const [error, setError] = useState<string>();
  const refresh = () =>
    session().then(
      (opened) => setWho(opened),
      (thrown: unknown) => setError(wordsOf(thrown)),
    );
  useEffect(() => {
    void refresh();
  }, []);
  const leave = async () => {
    try {
      await signOut();
      await refresh();
      location.hash = "#/";
    } catch (thrown) {
      setError(wordsOf(thrown));
    }
  };
  return (
    <>
      <header class="bar">
        <a class="home" href="#/">
          Registry
        </a>
        {who?.users === true && who.user === null && <a href="#sign-in">Sign in</a>}
        {who?.users === true && who.user !== null && (
          <>
            <span class="faint">{who.user}</span>
            <button type="button" onClick={() => void leave()}>
              Sign out
            </button>
          </>
        )}
      </header>
      <Problem text={error} />
      {who !== undefined && (
        <View
          route={route}
          who={who}
          onSignIn={(opened) => {
            setWho(opened);
            location.hash = before.current;
          }}
        />
      )}
    </>
  );
}

interface ViewProps {
  readonly route: Route;
  readonly who: Session;
  readonly onSignIn: (session: Session) => void;
}

function View({ route, who, onSignIn }: ViewProps) {
  // Another reader sees other things: nothing of the last one's is kept.
  const key = `${who.user}`;
  switch (route.view) {
    case "sign-in":
      return <SignIn onDone={onSignIn} />;
    case "repository":
      return <RepositoryView key={`${key} ${route.name}`} name={route.name} />;
    case "image":
      return <ImageView key={key} name={route.name} reference={route.reference} />;
    case "repositories":
      return <Repositories key={key} signedIn={who.user !== null} users={who.users} />;
  }
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", follow);
    return () => removeEventListener("hashchange", follow);
  }, []);
  return route;
}

const root = document.getElementById("app");
if (root !== null) render(<Page />, root);
