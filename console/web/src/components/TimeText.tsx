import { useSavedState } from './savedState';
import { visible } from './visible';

export type TimeZoneChoice = 'utc' | 'local';

/** The zone that times are shown in: UTC, as in the records, until the user chooses the local one. */
export function useTimeZone() {
  return useSavedState<TimeZoneChoice>('look.timeZone', 'utc');
}

/** A time, in the chosen zone, to the second. What is not a time is shown as it is. */
export function TimeText({ time, dateOnly = false }: { time: string | number | Date | null | undefined; dateOnly?: boolean }) {
  const [zone] = useTimeZone();
  if (time === null || time === undefined || time === '') return <>-</>;
  const at = time instanceof Date ? time : new Date(time);
  if (Number.isNaN(at.getTime())) return <>{visible(String(time))}</>;
  return (
    <time dateTime={at.toISOString()} title={`${formatTime(at, 'utc')}\n${formatTime(at, 'local')}`}>
      {formatTime(at, zone, dateOnly)}
    </time>
  );
}

/** 2024-05-01 10:00:00 UTC, or with the offset of the local zone in place of UTC. Sorts as the times do. */
export function formatTime(at: Date, zone: TimeZoneChoice, dateOnly = false): string {
  if (zone === 'utc') {
    const text = at.toISOString();
    return dateOnly ? text.slice(0, 10) : `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
  }
  const offset = -at.getTimezoneOffset();
  const shifted = new Date(at.getTime() + offset * 60_000).toISOString();
  if (dateOnly) return shifted.slice(0, 10);
  const sign = offset < 0 ? '-' : '+';
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0');
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 19)} ${sign}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}
