import { summarize, type FoundEvent, type RecordResource } from '@/api/record';
import type { Identity } from '@/api/session';
import { exactly, type Token } from './query';
import { secondsText, type TimeRange } from './range';
import { searchFor } from './search';
import { searchable } from './fields';

/** The most exact thing that tells who made a call: the ARN, else the access key, else the user name. */
export function identityToken(event: FoundEvent): Token | undefined {
  const { identityArn, accessKeyId, userName } = summarize(event.record);
  for (const [key, value] of [
    ['userIdentity.arn', identityArn],
    ['AccessKeyId', accessKeyId],
    ['Username', userName],
  ] as const) {
    if (searchable(value)) return exactly(key, value);
  }
  return undefined;
}

/** So many minutes before and after an event. */
export function rangeAround(event: FoundEvent, minutes: number): TimeRange | undefined {
  const at = Date.parse(summarize(event.record).eventTime);
  if (!Number.isFinite(at) || at < minutes * 60_000) return undefined;
  return { is: 'between', since: secondsText(at - minutes * 60_000), until: secondsText(at + minutes * 60_000) };
}

/** The search for what else happened around an event. */
export function aroundPath(event: FoundEvent, token: Token | undefined, minutes = 5): string | undefined {
  const range = rangeAround(event, minutes);
  return token && range && searchFor([token], range);
}

export type ResourceState = { link: true } | { link: false; why: string };

/** Whether a resource has a timeline here, and if not, why: the states that the AWS console has for its links. */
export function resourceState(resource: RecordResource, event: FoundEvent, identity: Identity): ResourceState {
  const arn = /^arn:[^:]*:[^:]*:[^:]*:([^:]*):/.exec(resource.name);
  if (arn?.[1] === 'aws') return { link: false, why: 'owned by AWS' };
  const owner = resource.accountId || arn?.[1] || '';
  const own = summarize(event.record).account || identity.accountId;
  if (owner && /^\d{12}$/.test(owner) && owner !== own && !identity.operator) return { link: false, why: 'another account’s' };
  return { link: true };
}
