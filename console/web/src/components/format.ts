// Numbers as people read them.

const numbers = new Intl.NumberFormat('en-US');

/** 1,234,567 */
export function formatNumber(n: number): string {
  return numbers.format(n);
}

/** "1 file", "2 files"; another plural than with s is given. */
export function formatCount(n: number, one: string, many = `${one}s`): string {
  return `${formatNumber(n)} ${n === 1 ? one : many}`;
}

/** 1.2 kB, 64 MiB are 67.1 MB: powers of 1000, as disks are sold. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  let n = bytes;
  while (Math.abs(n) >= 999.5 && unit < units.length - 1) {
    n /= 1000;
    unit++;
  }
  return `${unit === 0 || n >= 99.95 ? Math.round(n) : n.toFixed(1)} ${units[unit]}`;
}

/** 0 s, 4.2 s, 3 min, 2 h 5 min, 3 d 4 h: the two largest units. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '-';
  if (seconds < 0) return `-${formatDuration(-seconds)}`;
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const units: [number, string][] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ];
  const rest = Math.round(seconds / 60) * 60;
  const first = units.findIndex(([size]) => rest >= size);
  const [size, name] = units[first]!;
  const second = units[first + 1];
  const major = `${Math.floor(rest / size)} ${name}`;
  const minor = second ? Math.floor((rest % size) / second[0]) : 0;
  return second && minor ? `${major} ${minor} ${second[1]}` : major;
}

/** "3 min ago", "in 2 h". */
export function formatAgo(time: string | number | Date, now = Date.now()): string {
  const seconds = (now - new Date(time).getTime()) / 1000;
  if (Number.isNaN(seconds)) return '-';
  if (Math.abs(seconds) < 1) return 'now';
  const text = formatDuration(Math.abs(Math.round(seconds)));
  return seconds < 0 ? `in ${text}` : `${text} ago`;
}
