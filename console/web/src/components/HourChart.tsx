import { useRef, useState, type KeyboardEvent, type MouseEvent } from 'react';
import { useLocation } from 'wouter';
import type { Bucket } from '@/api/events';
import { formatCount, formatNumber } from './format';
import { roundUp } from './scale';
import { formatTime, useTimeZone } from './TimeText';
import './hourchart.css';

export interface HourChartProps {
  /** Buckets of one hour, all of them, the oldest first. */
  hours: readonly Bucket[];
  /** Those of them that failed. */
  failures: readonly Bucket[];
  /** Where the bar of an hour leads to, by its first and last second. */
  hrefOf(since: Date, until: Date): string;
}

const hour = 3_600_000;

/**
 * Events by hour: a bar for each, with what failed at its foot. Each bar is a link. They are one stop for the tabulator; left and right go
 * from bar to bar, Home and End to the first and last one.
 */
export function HourChart({ hours, failures, hrefOf }: HourChartProps) {
  const [zone] = useTimeZone();
  const [, navigate] = useLocation();
  const [current, setCurrent] = useState<number>();
  const [shown, setShown] = useState<number>();
  const list = useRef<HTMLOListElement>(null);

  const failed = new Map(failures.map(({ start, count }) => [new Date(start).getTime(), count]));
  const bars = hours.map(({ start, count }) => {
    const at = new Date(start);
    return { at, count, failed: Math.min(count, failed.get(at.getTime()) ?? 0) };
  });
  const highest = roundUp(Math.max(1, ...bars.map((bar) => bar.count)));
  const total = bars.reduce((sum, bar) => sum + bar.count, 0);
  const totalFailed = bars.reduce((sum, bar) => sum + bar.failed, 0);
  const stop = Math.min(current ?? bars.length - 1, bars.length - 1);
  const tall = (count: number) => (count === 0 ? 0 : Math.max(1.5, (count / highest) * 100));
  const textOf = (bar: (typeof bars)[number]) =>
    `${formatTime(bar.at, zone).replace(/:\d\d(?= [^ ]+$)/, '')}: ${formatCount(bar.count, 'event')}${bar.failed ? `, ${formatNumber(bar.failed)} failed` : ''}`;

  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowLeft: stop - 1, ArrowRight: stop + 1, Home: 0, End: bars.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(bars.length - 1, to));
    setCurrent(next);
    list.current?.querySelectorAll('a')[next]?.focus();
  };
  const follow = (event: MouseEvent, href: string) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
    scrollTo(0, 0);
  };
  const at = shown === undefined ? undefined : bars[shown];

  return (
    <div className="hourchart">
      <div className="hourchart-head">
        <span>{at ? textOf(at) : `${formatCount(total, 'event')} in 24 hours`}</span>
        <span className="hourchart-keys">
          <span className="hourchart-key">Succeeded</span>
          <span className="hourchart-key hourchart-key-failed">Failed{totalFailed > 0 && `: ${formatNumber(totalFailed)}`}</span>
        </span>
      </div>
      <div className="hourchart-plot">
        <div className="hourchart-scale" aria-hidden="true">
          <span>{formatNumber(highest)}</span>
          <span>{highest > 1 ? formatNumber(highest / 2) : ''}</span>
          <span>0</span>
        </div>
        <div className="hourchart-area">
          <svg viewBox={`0 0 ${Math.max(1, bars.length)} 100`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
            {[0, 50].map((y) => (
              <line key={y} className="hourchart-line" x1={0} x2={bars.length} y1={y} y2={y} />
            ))}
            {bars.map((bar, i) => {
              const all = tall(bar.count);
              const bad = Math.min(all, tall(bar.failed));
              return (
                <g key={bar.at.getTime()} className={i === shown ? 'hourchart-at' : undefined}>
                  <rect className="hourchart-bar" x={i + 0.12} width={0.76} y={100 - all} height={all - bad} />
                  <rect className="hourchart-bad" x={i + 0.12} width={0.76} y={100 - bad} height={bad} />
                </g>
              );
            })}
          </svg>
          <ol ref={list} aria-label="Events by hour" onKeyDown={onKeyDown}>
            {bars.map((bar, i) => {
              const href = hrefOf(bar.at, new Date(bar.at.getTime() + hour - 1000));
              return (
                <li key={bar.at.getTime()}>
                  <a
                    href={href}
                    aria-label={textOf(bar)}
                    tabIndex={i === stop ? 0 : -1}
                    onClick={(event) => follow(event, href)}
                    onFocus={() => (setCurrent(i), setShown(i))}
                    onBlur={() => setShown(undefined)}
                    onPointerEnter={() => setShown(i)}
                    onPointerLeave={() => setShown(undefined)}
                  />
                </li>
              );
            })}
          </ol>
        </div>
      </div>
      <div className="hourchart-axis" aria-hidden="true">
        {bars.map((bar, i) => (
          <span key={bar.at.getTime()}>{i % 4 === 0 ? formatTime(bar.at, zone).slice(11, 16) : ''}</span>
        ))}
      </div>
    </div>
  );
}
