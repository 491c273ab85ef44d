import type { Change, Difference, ResourceStatus, Timeline } from '@/api/timeline';
import { exactly, type EventQuery, type Token, type TokenGroup } from '@/components/event/query';
import { formatSearch } from '@/components/event/search';
import { searchable } from '@/components/event/fields';

// What is told of a history beyond what the server says: counted, or put in words.

/** Whether a change was one: neither a read nor a failure. */
function changesIt({ effect }: Change): boolean {
  return effect !== 'none' && effect !== 'failed';
}

export interface Author {
  /** The ARN, or where there is none the user name. */
  who: string;
  arn: string;
  username: string;
  changes: number;
  failed: number;
}

/** Who changed the resource, whoever did most first. Those whose calls all failed come last. */
export function authorsOf(changes: readonly Change[]): Author[] {
  const authors = new Map<string, Author>();
  for (const change of changes) {
    if (change.effect === 'none') continue;
    const arn = change.userArn ?? '';
    const username = change.username ?? '';
    const who = arn || username;
    let author = authors.get(who);
    if (!author) authors.set(who, (author = { who, arn, username, changes: 0, failed: 0 }));
    if (change.effect === 'failed') author.failed++;
    else author.changes++;
  }
  return [...authors.values()].sort((a, b) => b.changes - a.changes || b.failed - a.failed || (a.who < b.who ? -1 : 1));
}

/** The changes behind which the configuration can differ from before: the stops of the slider. */
export function stopsOf(changes: readonly Change[]): Change[] {
  return changes.filter((change) => changesIt(change) && (change.effect !== 'updated' || (change.differences?.length ?? 0) > 0));
}

export const statusTexts: Record<ResourceStatus, { type: 'success' | 'info' | 'stopped' | 'pending'; text: string; why: string }> = {
  OK: { type: 'success', text: 'Exists', why: 'It has been changed, and no event says that it was deleted.' },
  ResourceDiscovered: { type: 'info', text: 'Created, not changed since', why: 'Nothing but its creation is known.' },
  ResourceDeleted: { type: 'stopped', text: 'Deleted', why: 'What is known of its configuration is what it had last.' },
  ResourceNotRecorded: { type: 'pending', text: 'No change recorded', why: 'Events name it, but none of those that were read has changed it.' },
};

export const effectTexts: Record<Change['effect'], string> = {
  created: 'Created',
  updated: 'Changed',
  deleted: 'Deleted',
  renamed: 'Renamed',
  none: 'No change',
  failed: 'Failed',
  unknown: 'Effect unknown',
};

const roleTexts: Record<string, string> = { 'named-with': 'Named in the same call', 'mfa-device': 'MFA device' };

/** "member-of" is "Member of". */
export function roleText(role: string): string {
  if (Object.hasOwn(roleTexts, role)) return roleTexts[role]!;
  const text = role.replaceAll('-', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Whether the differences of a change are too many or too long to be shown before somebody asks for them. */
export function isLong(differences: readonly Difference[]): boolean {
  if (differences.length > 6) return true;
  let length = 0;
  for (const { path, before, after } of differences) length += path.length + valueText(before).length + valueText(after).length;
  return length > 600;
}

/** What it means for a field that nothing was known of it before a change. */
export function unsetBefore(change: Change, { created }: Timeline): string {
  if (change.effect === 'created') return 'did not exist';
  return created && Date.parse(created.time) <= Date.parse(change.eventTime) ? 'not set' : 'not set, or not known';
}

/** A value as JSON; texts without quotes, but for those that would look like something else. "" where there is none. */
export function valueText(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') return JSON.stringify(value);
  return value === '' || value.trim() !== value || /^(true|false|null|-?\d[\d.eE+-]*|["[{].*)$/s.test(value) ? JSON.stringify(value) : value;
}

/** The search for what an identity did, where the resource is one: a user under all its names, a role's sessions, an access key. */
export function deedsPath(timeline: Timeline): string | undefined {
  const tokens = deedsOf(timeline).filter(({ value }) => searchable(value));
  if (tokens.length === 0) return undefined;
  const any: Token | TokenGroup = tokens.length === 1 ? tokens[0]! : { operation: 'or', tokens };
  return searchPathOf([any, exactly('account', timeline.account)]);
}

function deedsOf({ type, name, names, arn, account }: Timeline): Token[] {
  const every = names.length > 0 ? [...new Set(names.map((span) => span.name))] : [name];
  switch (type) {
    case 'AWS::IAM::User': {
      // The ARN has the path, which only the newest name's is known of.
      const stem = arn?.endsWith(`/${name}`) ? arn.slice(0, -name.length) : undefined;
      return every.map((one) => (stem ? exactly('userIdentity.arn', stem + one) : exactly('Username', one)));
    }
    case 'AWS::IAM::Role':
      return every.map((one) => ({ propertyKey: 'userIdentity.arn', operator: '^', value: `arn:${partition(arn)}:sts::${account}:assumed-role/${one}/` }));
    case 'AWS::IAM::AccessKey':
      return every.map((one) => exactly('AccessKeyId', one));
    case 'AWS::STS::AssumedRole':
      return arn ? [exactly('userIdentity.arn', arn)] : [];
  }
  return [];
}

function partition(arn: string | undefined): string {
  return /^arn:([^:]+):/.exec(arn ?? '')?.[1] ?? 'aws';
}

/** The search for all events that name the resource, by any of its names. */
export function eventsPath({ name, names, arn, type, account }: Timeline): string | undefined {
  const every = [...new Set([...names.map((span) => span.name), name, arn ?? ''])].filter(searchable);
  if (every.length === 0) return undefined;
  const tokens = every.map((one) => exactly('ResourceName', one));
  const any: Token | TokenGroup = tokens.length === 1 ? tokens[0]! : { operation: 'or', tokens };
  return searchPathOf([any, ...(type ? [exactly('ResourceType', type)] : []), exactly('account', account)]);
}

/** The search for what somebody did. */
export function authorPath({ arn, username }: Pick<Author, 'arn' | 'username'>, account: string): string | undefined {
  const token = searchable(arn) ? exactly('userIdentity.arn', arn) : searchable(username) ? exactly('Username', username) : undefined;
  return token && searchPathOf([token, exactly('account', account)]);
}

function searchPathOf(tokens: EventQuery['tokens']): string {
  return `/events?${formatSearch({ query: { operation: 'and', tokens }, range: { is: 'all' }, order: 'newest' })}`;
}

/** An identity as people call it: of an ARN what is behind the account, of a session the role and the session. */
export function shortIdentity(who: string): string {
  const resource = /^arn:[^:]*:[^:]*:[^:]*:[^:]*:(.+)$/s.exec(who)?.[1];
  return resource?.replace(/^(user|assumed-role|federated-user)\//, '') ?? who;
}

/** An AWS account in an ARN; "" where there is none. */
export function accountIn(name: string): string {
  return /^arn:[^:]*:[^:]*:[^:]*:(\d{12}):/.exec(name)?.[1] ?? '';
}
