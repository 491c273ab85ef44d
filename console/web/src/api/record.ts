// CloudTrail records as the console sees them. Whoever caused an event has shaped parts of its record, so nothing is taken for granted:
// every reading gives a string, "" where there is none, and is shown as text.

/** A parsed record. For its exact form (numbers of any size, names that come twice) there is FoundEvent.raw. */
export type CloudTrailRecord = { readonly [name: string]: unknown };

export type Origin = 'recorded' | 'gateway' | 'posted' | 'imported' | 'audit';

/** An event of the log: the server's own notes, and the record. */
export interface FoundEvent {
  /** The number of its arrival. */
  seq: number;
  /** When it arrived, RFC 3339. */
  arrival: string;
  /** Where it came from; set by the server, never by the sender. */
  origin: Origin;
  /** "ahead": dated more than 15 minutes ahead of its arrival. "conflict": its eventID is another record's too. */
  flags: readonly string[];
  /** What the server found the event to act on, as LookupEvents has it. Not in the events of a tail. */
  resources?: readonly { type: string; name: string }[];
  record: CloudTrailRecord;
  /** The record as it came, but for line breaks between its tokens. */
  raw: string;
}

/** What tables and links need of a record. */
export interface RecordSummary {
  eventId: string;
  eventName: string;
  eventTime: string;
  eventSource: string;
  userName: string;
  identityType: string;
  identityArn: string;
  accessKeyId: string;
  sourceIPAddress: string;
  userAgent: string;
  region: string;
  account: string;
  errorCode: string;
  /** Why the call failed: its error code, or "Failure" for a console sign-in, which has none; "" where it did not. */
  failure: string;
  errorMessage: string;
  requestId: string;
  category: string;
  /** "true", "false", or "" where the record does not say. */
  readOnly: string;
  resources: RecordResource[];
}

export interface RecordResource {
  type: string;
  /** What it is searched by: its ARN, or its name where the record has no ARN. */
  name: string;
  accountId: string;
}

/** The value at a path of names, such as "userIdentity.sessionContext.attributes.mfaAuthenticated"; undefined where there is none. */
function valueAt(record: unknown, path: string | readonly string[]): unknown {
  let value = record;
  for (const name of typeof path === 'string' ? path.split('.') : path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** The value at a path as text: objects and arrays as JSON, "" for null and for what is not there. */
export function textAt(record: unknown, path: string | readonly string[]): string {
  return asText(valueAt(record, path));
}

export function asText(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const summaries = new WeakMap<CloudTrailRecord, RecordSummary>();

export function summarize(record: CloudTrailRecord): RecordSummary {
  let summary = summaries.get(record);
  if (!summary) summaries.set(record, (summary = read(record)));
  return summary;
}

function read(record: CloudTrailRecord): RecordSummary {
  return {
    eventId: textAt(record, 'eventID'),
    eventName: textAt(record, 'eventName'),
    eventTime: textAt(record, 'eventTime'),
    eventSource: textAt(record, 'eventSource'),
    userName: userNameOf(record),
    identityType: textAt(record, 'userIdentity.type'),
    identityArn: textAt(record, 'userIdentity.arn'),
    accessKeyId: textAt(record, 'userIdentity.accessKeyId'),
    sourceIPAddress: textAt(record, 'sourceIPAddress'),
    userAgent: textAt(record, 'userAgent'),
    region: textAt(record, 'awsRegion'),
    account: textAt(record, 'recipientAccountId') || textAt(record, 'userIdentity.accountId'),
    errorCode: textAt(record, 'errorCode'),
    failure: failureOf(record),
    errorMessage: textAt(record, 'errorMessage'),
    requestId: textAt(record, 'requestID'),
    category: textAt(record, 'eventCategory'),
    readOnly: textAt(record, 'readOnly'),
    resources: resourcesOf(record),
  };
}

/** The user name by which LookupEvents finds an event: root, the name of a session, or userName. The same rule as the server's. */
function userNameOf(record: CloudTrailRecord): string {
  const type = textAt(record, 'userIdentity.type');
  if (type === 'Root') return 'root';
  if (type === 'AssumedRole' || type === 'FederatedUser') {
    const kind = type === 'AssumedRole' ? 'assumed-role/' : 'federated-user/';
    const resource = textAt(record, 'userIdentity.arn').split(':').slice(5).join(':');
    if (resource.startsWith(kind)) return resource.slice(resource.lastIndexOf('/') + 1);
    const principal = textAt(record, 'userIdentity.principalId');
    if (principal.includes(':')) return principal.slice(principal.indexOf(':') + 1);
  }
  return textAt(record, 'userIdentity.userName');
}

/** The same rule as errorOnly of the API. */
function failureOf(record: CloudTrailRecord): string {
  const code = textAt(record, 'errorCode');
  if (code || textAt(record, 'eventSource') !== 'signin.amazonaws.com') return code;
  return textAt(record, 'errorMessage') || textAt(record, ['responseElements', textAt(record, 'eventName')]) === 'Failure' ? 'Failure' : '';
}

/** The resources that the record itself lists. */
function resourcesOf(record: CloudTrailRecord): RecordResource[] {
  const list = record.resources;
  if (!Array.isArray(list)) return [];
  return list.slice(0, 100).flatMap((resource: unknown) => {
    const name = textAt(resource, 'ARN') || textAt(resource, 'arn') || textAt(resource, 'resourceName');
    if (!name) return [];
    return [{ type: textAt(resource, 'type') || textAt(resource, 'resourceType'), name, accountId: textAt(resource, 'accountId') }];
  });
}
