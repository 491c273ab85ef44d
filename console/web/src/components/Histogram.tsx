import { useId, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import type { Bucket } from '@/api/events';
import { formatDuration, formatNumber } from './format';
import { formatTime, useTimeZone } from './TimeText';
import './components.css';

export interface HistogramProps {
  buckets: readonly Bucket[];
  /** The range that is shown, in milliseconds since 1970. */
  since: number;
  until: number;
  stepSeconds: number;
  /** What is counted: "events". */
  what?: string;
  /** A part was chosen, by dragging or by keys: from the start of its first bar to the end of its last, in milliseconds. */
  onSelect?: (since: number, until: number) => void;
  height?: number;
  loading?: boolean;
}

const maxBars = 400;

/**
 * Bars of counts over time. A part of them is chosen with the pointer, or with the keys: left and right go from bar to bar, shift extends,
 * Enter chooses, Escape drops. For screen readers it is a slider over the bars, with the counts as its text.
 */
export function Histogram({ buckets, since, until, stepSeconds, what = 'events', onSelect, height = 96, loading = false }: HistogramProps) {
  const [zone] = useTimeZone();
  const [anchor, setAnchor] = useState<number>();
  const [at, setAt] = useState<number>();
  const dragging = useRef(false);
  const area = useRef<HTMLDivElement>(null);
  const hint = useId();

  const step = stepSeconds * 1000;
  const first = Math.floor(since / step) * step;
  const { bars, total, highest } = useMemo(() => {
    const size = Math.max(1, Math.min(maxBars, Math.ceil((until - first) / step)));
    const bars = new Array<number>(size).fill(0);
    let total = 0;
    for (const { start, count } of buckets) {
      const i = Math.floor((new Date(start).getTime() - first) / step);
      if (i < 0 || i >= size) continue;
      bars[i]! += count;
      total += count;
    }
    return { bars, total, highest: Math.max(...bars) };
  }, [buckets, first, step, until]);

  const timeOf = (bar: number) => formatTime(new Date(first + bar * step), zone);
  const textOf = (bar: number) => `${timeOf(bar)}, ${formatDuration(stepSeconds)}: ${formatNumber(bars[bar] ?? 0)} ${what}`;
  const range = anchor === undefined || at === undefined ? undefined : ([Math.min(anchor, at), Math.max(anchor, at)] as const);

  const choose = () => {
    const [from, to] = range ?? [at, at];
    if (from !== undefined && to !== undefined && onSelect) onSelect(Math.max(since, first + from * step), Math.min(until, first + (to + 1) * step - 1));
    setAnchor(undefined);
    setAt(undefined);
  };
  const barAt = (event: PointerEvent) => {
    const box = area.current!.getBoundingClientRect();
    return Math.max(0, Math.min(bars.length - 1, Math.floor(((event.clientX - box.left) / box.width) * bars.length)));
  };
  const onPointerDown = (event: PointerEvent) => {
    if (!onSelect || event.button !== 0) return;
    dragging.current = true;
    event.currentTarget.setPointerCapture(event.pointerId);
    setAnchor(barAt(event));
    setAt(barAt(event));
  };
  const onPointerUp = () => {
    if (dragging.current) choose();
    dragging.current = false;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const now = at ?? bars.length - 1;
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: bars.length - 1, PageUp: now - 10, PageDown: now + 10 }[event.key];
    if (to !== undefined) {
      const bar = Math.max(0, Math.min(bars.length - 1, to));
      if (event.shiftKey) setAnchor((before) => before ?? now);
      else setAnchor(undefined);
      setAt(bar);
    } else if (event.key === 'Enter' && onSelect) {
      choose();
    } else if (event.key === 'Escape') {
      setAnchor(undefined);
      setAt(undefined);
    } else return;
    event.preventDefault();
  };

  return (
    <div className="histogram">
      <div className="histogram-head">
        <span>{at === undefined ? (loading ? `Counting ${what}` : `${formatNumber(total)} ${what}`) : range && range[0] !== range[1] ? `${timeOf(range[0])} to ${timeOf(range[1] + 1)}` : textOf(at)}</span>
        <span className="histogram-quiet">{highest > 0 && `at most ${formatNumber(highest)} in ${formatDuration(stepSeconds)}`}</span>
      </div>
      <div
        ref={area}
        className={`histogram-bars${onSelect ? ' histogram-selectable' : ''}${loading ? ' histogram-loading' : ''}`}
        role="slider"
        tabIndex={0}
        aria-label={`${what} over time`}
        aria-describedby={onSelect ? hint : undefined}
        aria-valuemin={0}
        aria-valuemax={bars.length - 1}
        aria-valuenow={at ?? bars.length - 1}
        aria-valuetext={textOf(at ?? bars.length - 1)}
        aria-busy={loading}
        onPointerDown={onPointerDown}
        onPointerMove={(event) => setAt(barAt(event))}
        onPointerUp={onPointerUp}
        onPointerCancel={() => {
          dragging.current = false;
          setAnchor(undefined);
        }}
        onPointerLeave={() => dragging.current || setAt(undefined)}
        onKeyDown={onKeyDown}
        onBlur={() => setAt(undefined)}
      >
        <svg viewBox={`0 0 ${bars.length} 100`} preserveAspectRatio="none" style={{ blockSize: height }} aria-hidden="true" focusable="false">
          {range && <rect className="histogram-range" x={range[0]} y={0} width={range[1] - range[0] + 1} height={100} />}
          {bars.map((count, i) => {
            // A bar with anything in it can be seen.
            const tall = count === 0 ? 0 : Math.max(3, (count / highest) * 100);
            return count === 0 ? null : <rect key={i} className={i === at ? 'histogram-at' : 'histogram-bar'} x={i + 0.08} y={100 - tall} width={0.84} height={tall} />;
          })}
        </svg>
      </div>
      <div className="histogram-axis" aria-hidden="true">
        <span>{loading ? '\u00a0' : timeOf(0)}</span>
        <span>{loading ? '' : timeOf(bars.length)}</span>
      </div>
      {onSelect && (
        <span id={hint} className="offscreen">
          Left and right go from bar to bar, with shift they extend the range. Enter narrows the search to it.
        </span>
      )}
    </div>
  );
}

/** A step for a range, so that it has at most so many bars: one that people count in. */
export function stepFor(since: number, until: number, bars = 100): number {
  const steps = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 604_800];
  const least = (until - since) / 1000 / bars;
  return steps.find((step) => step >= least) ?? Math.ceil(least / 604_800) * 604_800;
}
