// The resource policies that let CloudTrail deliver for a trail: the same statements that `cairn trail create` writes.

export interface Statement {
  Sid: string;
  Effect: string;
  Principal: Record<string, string>;
  Action: string | string[];
  Resource: string;
  Condition?: Record<string, Record<string, string>>;
}

const cloudtrail = { Service: 'cloudtrail.amazonaws.com' };

export function trailARN(region: string, account: string, name: string): string {
  return `arn:aws:cloudtrail:${region}:${account}:trail/${name}`;
}

/** What a trail needs of its bucket. It reads only to compare: whether a digest under a key is the one that was signed. */
export function bucketStatements(arn: string, account: string, bucket: string, prefix: string): Statement[] {
  const resource = `arn:aws:s3:::${bucket}`;
  const objects = `${resource}/${prefix ? `${prefix}/` : ''}AWSLogs/${account}/*`;
  return [
    { Sid: 'CairnTrailAclCheck', Effect: 'Allow', Principal: cloudtrail, Action: 's3:GetBucketAcl', Resource: resource, Condition: { StringEquals: { 'aws:SourceArn': arn } } },
    {
      Sid: 'CairnTrailWrite',
      Effect: 'Allow',
      Principal: cloudtrail,
      Action: 's3:PutObject',
      Resource: objects,
      Condition: { StringEquals: { 'aws:SourceArn': arn, 's3:x-amz-acl': 'bucket-owner-full-control' } },
    },
    { Sid: 'CairnTrailCompare', Effect: 'Allow', Principal: cloudtrail, Action: 's3:GetObject', Resource: objects, Condition: { StringEquals: { 'aws:SourceArn': arn } } },
  ];
}

/** What a trail needs of its key. */
export function keyStatements(arn: string, account: string): Statement[] {
  return [
    {
      Sid: 'CairnTrailEncrypt',
      Effect: 'Allow',
      Principal: cloudtrail,
      Action: 'kms:GenerateDataKey*',
      Resource: '*',
      Condition: { StringEquals: { 'aws:SourceArn': arn }, StringLike: { 'kms:EncryptionContext:aws:cloudtrail:arn': `arn:aws:cloudtrail:*:${account}:trail/*` } },
    },
    { Sid: 'CairnTrailDescribe', Effect: 'Allow', Principal: cloudtrail, Action: 'kms:DescribeKey', Resource: '*', Condition: { StringEquals: { 'aws:SourceArn': arn } } },
  ];
}

/** What the trails of an account need of a topic. */
export function topicStatements(topic: string, account: string): Statement[] {
  return [
    { Sid: 'CairnTrailPublish', Effect: 'Allow', Principal: cloudtrail, Action: 'sns:Publish', Resource: topic, Condition: { StringEquals: { 'aws:SourceAccount': account } } },
  ];
}

/** Lets the account do what it wants: keys and topics with a policy of their own are nobody's otherwise. */
export function ownerStatement(account: string, action: string | string[], resource: string): Statement {
  return { Sid: 'Owner', Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: action, Resource: resource };
}

export const topicOwnerActions = [
  'sns:Publish',
  'sns:Subscribe',
  'sns:Receive',
  'sns:GetTopicAttributes',
  'sns:SetTopicAttributes',
  'sns:DeleteTopic',
  'sns:ListSubscriptionsByTopic',
];

export function policyText(statements: readonly Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}

/**
 * Adds statements to a policy, which may be "", and says how many it did not have. Those that it has stay as they are, because other
 * trails need them; new ones get names that are not taken.
 */
export function mergePolicy(policy: string, needed: readonly Statement[]): { policy: string; added: number } {
  let document: Record<string, unknown> = { Version: '2012-10-17' };
  if (policy) {
    const read: unknown = JSON.parse(policy);
    if (typeof read !== 'object' || read === null || Array.isArray(read)) throw new SyntaxError('The policy that is there is no object.');
    document = read as Record<string, unknown>;
  }
  const there = document.Statement;
  // One statement alone need not be in a list.
  const statements: Record<string, unknown>[] = there === undefined ? [] : ((Array.isArray(there) ? there : [there]) as Record<string, unknown>[]);
  const known = new Set(statements.map(content));
  const names = new Set(statements.map((statement) => statement.Sid));
  const added = needed.filter((statement) => !known.has(content(statement as unknown as Record<string, unknown>)));
  const renamed = added.map((statement) => {
    let Sid = statement.Sid;
    for (let n = 2; names.has(Sid); n++) Sid = `${statement.Sid}${n}`;
    names.add(Sid);
    return { ...statement, Sid };
  });
  return { policy: JSON.stringify({ ...document, Statement: [...statements, ...renamed] }), added: added.length };
}

/** A statement without its name, with members in one order. */
function content(statement: Record<string, unknown>): string {
  const { Sid: _, ...rest } = statement;
  return JSON.stringify(rest, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
}
