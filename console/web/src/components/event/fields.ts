import { asText, type CloudTrailRecord, type FoundEvent } from '@/api/record';
import { ExactNumber, parseExact } from '@/components/jsonText';
import { exactly, pathKey, type Token } from './query';

/** A value somewhere in a record. */
export interface Field {
  /** How it is shown: requestParameters.tags[0].key. What of a name would look like a step of the path has a backslash before it. */
  path: string;
  text: string;
  /** The condition that finds events with this value here, where there is one. */
  token?: Token;
}

const mostFields = 5_000;
const deepest = 40;
/** The API's longest value. */
const longestValue = 4_096;

const attributeAt: Record<string, string> = {
  eventName: 'EventName',
  eventSource: 'EventSource',
  'userIdentity.arn': 'userIdentity.arn',
  'userIdentity.accessKeyId': 'AccessKeyId',
  sourceIPAddress: 'sourceIPAddress',
  errorCode: 'errorCode',
  readOnly: 'ReadOnly',
  eventID: 'EventId',
  awsRegion: 'region',
  eventCategory: 'category',
};

/** The record of an event with the digits of its numbers as they came: ExactNumbers where they do not fit. */
export function exactRecord({ raw, record }: FoundEvent): CloudTrailRecord {
  try {
    return parseExact(raw) as CloudTrailRecord;
  } catch {
    return record;
  }
}

/** All values of a record, in its order. "more" says that there are others. */
export function fieldsOf(record: CloudTrailRecord): { fields: Field[]; more: boolean } {
  const fields: Field[] = [];
  let more = false;
  const walk = (value: unknown, path: string, names: readonly string[]) => {
    if (fields.length >= mostFields) {
      more = true;
    } else if (typeof value === 'object' && value !== null && !(value instanceof ExactNumber) && names.length < deepest) {
      const entries = Array.isArray(value) ? value.map((one, i) => [`[${i}]`, one, names] as const) : Object.entries(value).map(([name, one]) => [`${path && '.'}${name.replace(/[\\.[]/g, '\\$&')}`, one, [...names, name]] as const);
      if (entries.length === 0) fields.push({ path, text: Array.isArray(value) ? '[]' : '{}' });
      for (const [step, one, at] of entries) {
        if (more) return;
        walk(one, path + step, at);
      }
    } else fields.push({ path, text: textOf(value), token: tokenFor(names, value) });
  };
  walk(record, '', []);
  return { fields, more };
}

function textOf(value: unknown): string {
  return value === null ? 'null' : value instanceof ExactNumber ? value.digits : asText(value);
}

/** The condition that finds a value where it is. Numbers are compared as they are written, which is not known of plain ones that are no integers. */
export function tokenFor(names: readonly string[], value: unknown): Token | undefined {
  if (names.length === 0 || names.includes('') || (typeof value === 'number' && !Number.isSafeInteger(value))) return undefined;
  if (typeof value === 'object' && value !== null && !(value instanceof ExactNumber)) return undefined;
  const text = textOf(value);
  if (!searchable(text)) return undefined;
  const path = names.join('.');
  return exactly((value !== null && Object.hasOwn(attributeAt, path) && attributeAt[path]) || pathKey(names), text);
}

/** Whether the API can be asked for a value: it has one, and not too long a one. */
export function searchable(text: string): boolean {
  return text !== '' && text.length <= longestValue && new TextEncoder().encode(text).length <= longestValue;
}

export interface ComparedField {
  path: string;
  /** By event; undefined where it has no such field. */
  texts: (string | undefined)[];
  differs: boolean;
}

/** The fields of several records side by side, in the order in which the records have them. */
export function compareFields(records: readonly CloudTrailRecord[]): ComparedField[] {
  const rows = new Map<string, (string | undefined)[]>();
  records.forEach((record, i) => {
    for (const { path, text } of fieldsOf(record).fields) {
      const row = rows.get(path) ?? new Array<string | undefined>(records.length).fill(undefined);
      row[i] = text;
      rows.set(path, row);
    }
  });
  return [...rows]
    .map(([path, texts]) => ({ path, texts, differs: texts.some((text) => text !== texts[0]) }))
    .sort((a, b) => order(a.path) - order(b.path));
}

const topOrder = ['eventTime', 'eventName', 'eventSource', 'userIdentity', 'sourceIPAddress', 'userAgent', 'errorCode', 'errorMessage', 'awsRegion', 'requestParameters', 'responseElements', 'resources'];

function order(path: string): number {
  const at = topOrder.indexOf(/^[^.[]*/.exec(path)![0]);
  return at < 0 ? topOrder.length : at;
}
