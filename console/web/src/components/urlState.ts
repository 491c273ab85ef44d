import { useCallback, useMemo } from 'react';
import { useLocation, useSearch } from 'wouter';

/** Names to values; a value of undefined, "" or an empty list takes the parameter out. */
export type ParamChanges = Record<string, string | readonly string[] | undefined>;

/**
 * The parameters of the page's address, and how to change some of them. A change makes a new entry in the history, so that "back" undoes it;
 * with { replace: true } it does not.
 */
export function useUrlState(): [URLSearchParams, (changes: ParamChanges | URLSearchParams, options?: { replace?: boolean }) => void] {
  // The router unescapes what it gives, and unescaping twice makes another value of one with a % in it.
  useSearch();
  const { search, pathname: path } = location;
  const [, navigate] = useLocation();
  const params = useMemo(() => new URLSearchParams(search), [search]);
  const change = useCallback(
    (changes: ParamChanges | URLSearchParams, options?: { replace?: boolean }) => {
      const next = changes instanceof URLSearchParams ? changes : changed(new URLSearchParams(location.search), changes);
      const text = next.toString();
      if (text === new URLSearchParams(location.search).toString()) return;
      navigate(text ? `${path}?${text}` : path, options);
    },
    [path, navigate],
  );
  return [params, change];
}

/** A part of an address without its escapes, or as it is where these make no sense. */
export function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A copy of parameters with some of them changed. */
export function changed(params: URLSearchParams, changes: ParamChanges): URLSearchParams {
  const next = new URLSearchParams(params);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    if (value === undefined || value === '') continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value as string]) next.append(name, one);
  }
  return next;
}
