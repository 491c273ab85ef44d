import { getHistogram, type Bucket } from '@/api/events';
import { ApiError, type CallInit } from '@/api/http';
import { stepFor } from '@/components/Histogram';
import { useLoad } from '@/components/useLoad';

export interface Hits {
  buckets: Bucket[];
  since: number;
  until: number;
  stepSeconds: number;
  total: number;
}

const day = 86_400;

/** Counts the hits of a search over time. Waits until it is enabled, so that the rows come first. */
export function useHits(conditions: string, bounds: { since?: number; until?: number }, now: number, key: string, enabled: boolean) {
  return useLoad<Hits | undefined>(
    async (signal) => (enabled ? withRetry(() => count(conditions, bounds, now, { signal }), signal) : undefined),
    [key, conditions, enabled],
  );
}

async function count(conditions: string, bounds: { since?: number; until?: number }, now: number, init: CallInit): Promise<Hits> {
  let { since, until } = bounds;
  const params = new URLSearchParams(conditions);
  if (since === undefined || until === undefined) {
    // Where the search has no bounds, those of what it finds are asked for first. A range up to now ends now.
    if (since === undefined) {
      const found = await getHistogram(params, day, init);
      const full = found.filter((bucket) => bucket.count > 0);
      if (full.length === 0) return hitsOf([], now - day * 1000, now, 3600);
      since = Date.parse(full[0]!.start);
      until ??= Date.parse(full.at(-1)!.start) + day * 1000;
      if (until > now && Date.parse(full.at(-1)!.start) <= now) until = now;
      if (stepFor(since, until) === day) return hitsOf(found, since, until, day);
    } else until = Math.max(now, since + 1000);
  }
  const stepSeconds = stepFor(since, until);
  const found = await getHistogram(params, stepSeconds, init);
  // A day with its first event in the evening need not be shown from its morning on.
  const first = found.find((bucket) => bucket.count > 0);
  if (bounds.since === undefined && first) since = Math.max(since, Date.parse(first.start));
  return hitsOf(found, since, until, stepSeconds);
}

function hitsOf(buckets: Bucket[], since: number, until: number, stepSeconds: number): Hits {
  return { buckets, since, until, stepSeconds, total: buckets.reduce((sum, bucket) => sum + bucket.count, 0) };
}

/** Histograms wait for their turn: an account has few that read records at a time. */
async function withRetry<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (signal.aborted || attempt === 3 || !(error instanceof ApiError) || error.status !== 429) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 * 2 ** attempt));
    }
  }
}
