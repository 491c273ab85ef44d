import { findPage } from '@/api/events';
import type { CallInit } from '@/api/http';
import { summarize, type FoundEvent } from '@/api/record';
import { resourcesOf } from '@/components/event/resources';

/** A resource that was changed lately. */
export interface RecentResource {
  key: string;
  type: string;
  name: string;
  account: string;
  /** The newest event that is not a read. */
  last: FoundEvent;
  /** How many of the events that were looked at name it. */
  events: number;
}

export interface Recent {
  resources: RecentResource[];
  /** How many events were looked at, and whether there are older ones. */
  events: number;
  more: boolean;
  damage: string[];
}

const newestEvents = 300;

/** The resources of the newest events that may have changed something, the newest first. */
export async function loadRecent(of: { type: string; account: string }, init: CallInit): Promise<Recent> {
  const page = await findPage({ 'not.ReadOnly': 'true', ResourceType: of.type || undefined, account: of.account || undefined, limit: newestEvents }, init);
  return { resources: recentOf(page.events, of.type), events: page.events.length, more: page.next !== undefined, damage: page.damage };
}

/** The resources of events, which come newest first; of one type only, if it is given. */
export function recentOf(events: readonly FoundEvent[], type: string): RecentResource[] {
  const found = new Map<string, RecentResource>();
  for (const event of events) {
    const account = summarize(event.record).account;
    for (const resource of resourcesOf(event)) {
      if (type ? resource.type !== type : !resource.type) continue;
      const name = shorter(event, resource);
      const key = JSON.stringify([account, resource.type, name]);
      const known = found.get(key);
      if (known) known.events++;
      else found.set(key, { key, type: resource.type, name, account, last: event, events: 1 });
    }
  }
  return [...found.values()];
}

/** The name of a resource without its ARN, where the event has both: under one name it is one resource. */
function shorter(event: FoundEvent, { type, name }: { type: string; name: string }): string {
  if (!name.startsWith('arn:')) return name;
  return event.resources?.find((other) => other.type === type && !other.name.startsWith('arn:') && (name.endsWith(`/${other.name}`) || name.endsWith(`:${other.name}`)))?.name ?? name;
}
