import { useEffect, useState } from 'react';
import { isDenied } from './LoadError';
import { useLoad, type Loaded } from './useLoad';

/** How often a page asks for news while it can be seen, in milliseconds. */
export const newsEvery = 15_000;

/**
 * Loads what changes by itself again and again, as useLoad does. It asks no more after the identity was told that it may not see it, or each
 * page that stays open would fill the history with denied calls. What is not enabled is loaded once.
 */
export function useNews<T>(load: (signal: AbortSignal, background: boolean) => Promise<T>, dependencies: readonly unknown[], enabled = true): Loaded<T> {
  const [denied, setDenied] = useState(false);
  const loaded = useLoad(load, dependencies, denied || !enabled ? undefined : newsEvery);
  const { error } = loaded;
  useEffect(() => setDenied(isDenied(error)), [error]);
  return loaded;
}
