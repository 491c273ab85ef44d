import { useCallback, useEffect, useRef, useState } from 'react';
import { isAbort } from '@/api/http';

export interface Loaded<T> {
  /** What was loaded last; stays while it is loaded again for the same dependencies. */
  data: T | undefined;
  error: unknown;
  loading: boolean;
  /** Loads again. */
  reload: () => void;
}

/** How long a call may be under way before a timer makes it anew, in milliseconds. */
const longestWait = 60_000;

/**
 * Loads data for a page: at once, when one of the dependencies changes, and on reload(). What is under way is cancelled when it is not
 * wanted any more, and an answer that comes late is dropped. With "every" it is loaded again after so many milliseconds while the page is
 * visible; the call is told so, in order to be made with { background }.
 */
export function useLoad<T>(load: (signal: AbortSignal, background: boolean) => Promise<T>, dependencies: readonly unknown[], every?: number): Loaded<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: unknown; loading: boolean }>({ key: '', loading: true });
  const [attempt, setAttempt] = useState({ n: 0, background: false });
  const latest = useRef(load);
  latest.current = load;
  const key = JSON.stringify(dependencies);
  /** When the call that is under way was made; 0 for none. */
  const running = useRef(0);
  const asked = useRef(attempt);

  useEffect(() => {
    const stop = new AbortController();
    // Other dependencies are somebody's wish, whatever the attempt before was.
    const background = attempt.background && asked.current !== attempt;
    asked.current = attempt;
    running.current = Date.now();
    if (!background) setState((before) => (before.key === key ? { ...before, loading: true, error: undefined } : { key, loading: true }));
    latest.current(stop.signal, background).then(
      (data) => {
        if (stop.signal.aborted) return;
        running.current = 0;
        setState({ key, data, loading: false });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return;
        running.current = 0;
        if (isAbort(error)) return;
        setState((before) => ({ key, data: before.key === key ? before.data : undefined, error, loading: false }));
      },
    );
    return () => stop.abort();
  }, [key, attempt]);

  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => {
      // What takes longer than the pause is not begun anew at once, or it would never end; what hangs is.
      if (document.visibilityState === 'visible' && Date.now() - running.current > longestWait) setAttempt(({ n }) => ({ n: n + 1, background: true }));
    }, every);
    return () => clearInterval(timer);
  }, [every]);

  const reload = useCallback(() => setAttempt(({ n }) => ({ n: n + 1, background: false })), []);
  const current = state.key === key ? state : { loading: true, data: undefined, error: undefined };
  return { data: current.data, error: current.error, loading: current.loading, reload };
}
