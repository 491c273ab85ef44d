import type { Overview } from '@/api/overview';

// What the numbers of the dashboard mean.

/** A lag, in seconds, from which on something is probably wrong: log files go out every five minutes. */
export const longLag = 900;

/** Whether less than ten times the reserve is free. */
export function lowDisk(disk: { freeBytes?: number; reserveBytes: number }): boolean {
  return disk.freeBytes !== undefined && disk.freeBytes < 10 * disk.reserveBytes;
}

// Where the console's own events come from: signing in, and looking at its pages.
const own = ['cairn.amazonaws.com', 'cairn.internal', 'signin.amazonaws.com'];

/** Whether there are no events but those that looking at the console has made. */
export function nothingYet({ top }: Pick<Overview, 'top'>): boolean {
  const sources = top.EventSource;
  return !!sources && sources.complete && (sources.values ?? []).every(({ value }) => own.includes(value));
}
