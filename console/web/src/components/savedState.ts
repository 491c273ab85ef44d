import { useCallback, useState, useSyncExternalStore } from 'react';

// What a user has set up (columns, theme, time zone) stays in this browser, apart for each identity. Reading and writing fail
// silently where the browser has no storage: the setting then lives as long as the page.

let owner = '';
const memory = new Map<string, string>();
const listeners = new Set<() => void>();

/** Tells whose settings are meant from now on: the ARN of the identity, "" when nobody is signed in. */
export function setSavedStateOwner(arn: string): void {
  owner = arn;
  listeners.forEach((changed) => changed());
}

/** State that survives the page, for the signed-in identity. The name is the setting's, such as "events.columns". */
export function useSavedState<T>(name: string, initial: T): [T, (value: T | ((before: T) => T)) => void] {
  const text = useSyncExternalStore(subscribe, () => read(name));
  const [parsed, setParsed] = useState<{ text: string | null; value: T }>(() => ({ text, value: parse(text, initial) }));
  let current = parsed;
  if (current.text !== text) {
    current = { text, value: parse(text, initial) };
    setParsed(current);
  }
  const set = useCallback(
    (value: T | ((before: T) => T)) => {
      const next = typeof value === 'function' ? (value as (before: T) => T)(parse(read(name), initial)) : value;
      writeSaved(name, next);
    },
    // The initial value of the first rendering counts, as with useState.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [name],
  );
  return [current.value, set];
}

/** Reads a setting outside of a component. */
export function readSaved<T>(name: string, initial: T): T {
  return parse(read(name), initial);
}

function writeSaved(name: string, value: unknown): void {
  const text = JSON.stringify(value);
  for (const key of keysOf(name)) {
    try {
      localStorage.setItem(key, text);
      memory.delete(key);
    } catch {
      memory.set(key, text); // full or forbidden
    }
  }
  listeners.forEach((changed) => changed());
}

/** What the identity has set, or, where it has set nothing, what anybody set last in this browser. */
function read(name: string): string | null {
  for (const key of keysOf(name)) {
    const text = memory.get(key) ?? stored(key);
    if (text !== null && text !== undefined) return text;
  }
  return null;
}

function keysOf(name: string): string[] {
  // Only how things look is taken over from whoever was here before.
  const shared = name.startsWith('look.') ? [`cairn:${name}`] : [];
  return owner ? [`cairn:${owner}:${name}`, ...shared] : [`cairn:${name}`];
}

function stored(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function parse<T>(text: string | null, initial: T): T {
  if (text === null) return initial;
  try {
    const value = JSON.parse(text) as T;
    // What an older version saved in another form is not worth more than the default.
    return typeof value === typeof initial && Array.isArray(value) === Array.isArray(initial) ? value : initial;
  } catch {
    return initial;
  }
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed);
  addEventListener('storage', changed);
  return () => {
    listeners.delete(changed);
    removeEventListener('storage', changed);
  };
}
