import { useEffect, useMemo, useRef, useState } from 'react';
import type { FoundEvent } from '@/api/record';
import { tailEvents } from '@/api/tail';

/** The newest events that are kept and shown. */
export const followed = 100;
const flushEvery = 250;

export interface Followed {
  /** The newest first. */
  events: readonly FoundEvent[];
  /** How many arrived since following began, and how many of them are held back by a pause. */
  arrived: number;
  waiting: number;
  connection: 'connecting' | 'live' | 'waiting';
  damage?: string;
  error?: unknown;
}

const before: Followed = { events: [], arrived: 0, waiting: 0, connection: 'connecting' };

/**
 * Follows a search: events as they arrive, before "present", the newest of those that are there already. While paused, the newest are held back,
 * never more than are shown. Another attempt begins anew.
 */
export function useFollow(on: boolean, conditions: string, attempt: number, paused: boolean, present: readonly FoundEvent[]): Followed {
  const [state, setState] = useState<Followed>(before);
  const halted = useRef(paused);
  halted.current = paused;

  useEffect(() => {
    if (!on) return;
    const stop = new AbortController();
    let held: FoundEvent[] = [];
    let arrived = 0;
    setState(before);
    const flush = () => {
      const count = arrived;
      if (halted.current) {
        setState((now) => (now.arrived === count ? now : { ...now, arrived: count, waiting: now.waiting + count - now.arrived }));
        return;
      }
      if (held.length === 0) return;
      const batch = held;
      held = [];
      const seen = new Set(batch.map((event) => event.seq));
      setState((now) => ({ ...now, events: [...batch, ...now.events.filter((event) => !seen.has(event.seq))].slice(0, followed), arrived: count, waiting: 0 }));
    };
    const timer = setInterval(flush, flushEvery);
    tailEvents(
      new URLSearchParams(conditions),
      {
        onEvent: (event) => {
          arrived++;
          held = [event, ...held].slice(0, followed);
        },
        onDamage: (damage) => setState((now) => ({ ...now, damage })),
        onState: (connection) => !stop.signal.aborted && setState((now) => ({ ...now, connection })),
      },
      stop.signal,
    ).catch((error: unknown) => {
      if (!stop.signal.aborted) setState((now) => ({ ...now, connection: 'waiting', error }));
    });
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [on, conditions, attempt]);
  const events = useMemo(() => {
    const seen = new Set(state.events.map((event) => event.seq));
    return [...state.events, ...present.filter((event) => !seen.has(event.seq))].slice(0, followed);
  }, [state.events, present]);
  return on ? { ...state, events } : before;
}
