import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import { ApiError, lastAnswerAt, whenSignedOut } from '@/api/http';
import * as api from '@/api/session';
import type { Session } from '@/api/session';
import { setSavedStateOwner } from '@/components/savedState';

type State =
  | { is: 'loading' }
  | { is: 'unreachable'; error: unknown }
  /** Nobody is signed in. "ended" says that somebody was, until just now; "left" that it was their wish. */
  | { is: 'signed out'; ended: boolean; left?: boolean }
  | { is: 'signed in'; session: Session };

interface SessionControl {
  state: State;
  /** The one-time link that the page was opened with, until it is used or dismissed. */
  link: string | undefined;
  signIn(key: api.AccessKey): Promise<void>;
  redeemLink(): Promise<void>;
  dismissLink(): void;
  setRegion(region: string): Promise<void>;
  signOut(): Promise<void>;
  reload(): void;
}

const Context = createContext<SessionControl | undefined>(undefined);

/** Knows who is signed in, and notices when the session ends. */
export function SessionProvider({ link: openedWith, children }: { link: string | undefined; children: ReactNode }) {
  const [state, setState] = useState<State>({ is: 'loading' });
  const [link, setLink] = useState(openedWith);
  const [attempt, setAttempt] = useState(0);

  const enter = useCallback((session: Session) => {
    setSavedStateOwner(session.identity.arn);
    setState({ is: 'signed in', session });
  }, []);
  const leave = useCallback((ended: boolean) => {
    setSavedStateOwner('');
    // Several requests hear of it, and the first one counts.
    setState((before) => (before.is === 'signed out' ? before : { is: 'signed out', ended: ended && before.is === 'signed in' }));
  }, []);

  useEffect(() => {
    const stop = new AbortController();
    api.getSession({ signal: stop.signal }).then(enter, (error: unknown) => {
      if (stop.signal.aborted) return;
      if (error instanceof ApiError && error.status === 401) leave(false);
      else setState({ is: 'unreachable', error });
    });
    return () => stop.abort();
  }, [attempt, enter, leave]);

  useEffect(() => {
    whenSignedOut(() => leave(true));
    return () => whenSignedOut(() => {});
  }, [leave]);

  // The server ends an idle session. What it showed must not stay on the screen until somebody comes back and clicks.
  const idleSeconds = state.is === 'signed in' ? state.session.idleSeconds : 0;
  useEffect(() => {
    if (idleSeconds <= 0) return;
    const check = () => {
      if (Date.now() - lastAnswerAt() < (idleSeconds + 5) * 1000) return;
      api.getSession({ background: true }).then(enter, (error: unknown) => {
        if (error instanceof ApiError && error.status === 401) leave(true);
      });
    };
    const timer = setInterval(check, 15_000);
    return () => clearInterval(timer);
  }, [idleSeconds, enter, leave]);

  const control = useMemo<SessionControl>(
    () => ({
      state,
      link,
      signIn: async (key) => enter(await api.signIn(key)),
      redeemLink: async () => {
        if (!link) return;
        const session = await api.redeemLink(link);
        setLink(undefined);
        enter(session);
      },
      dismissLink: () => setLink(undefined),
      setRegion: async (region) => enter(await api.setRegion(region)),
      signOut: async () => {
        await api.signOut();
        // The next one to sign in need not see what was looked at.
        history.replaceState(null, '', '/');
        setSavedStateOwner('');
        setState({ is: 'signed out', ended: false, left: true });
      },
      reload: () => {
        setState({ is: 'loading' });
        setAttempt((n) => n + 1);
      },
    }),
    [state, link, enter, leave],
  );
  return <Context value={control}>{children}</Context>;
}

export function useSessionControl(): SessionControl {
  const control = useContext(Context);
  if (!control) throw new Error('useSessionControl outside of SessionProvider');
  return control;
}

/** The session of a page. Pages are only rendered for somebody who is signed in. */
export function useSession(): Session {
  const { state } = useSessionControl();
  if (state.is !== 'signed in') throw new Error('useSession where nobody is signed in');
  return state.session;
}

/** Takes a one-time link out of the page's address, so that neither history nor a copied address has it. */
export function takeLink(): string | undefined {
  const match = /^#link=(.+)$/.exec(location.hash);
  if (!match?.[1]) return undefined;
  history.replaceState(history.state, '', location.pathname + location.search);
  try {
    return decodeURIComponent(match[1]);
  } catch {
    return match[1];
  }
}
