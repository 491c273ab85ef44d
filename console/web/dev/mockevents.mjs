// Events of a made-up account for dev/mock.mjs: one every 40 seconds of the last day, with hostile ones among them.

const day = 24 * 3600_000;
const now = Math.floor(Date.now() / 1000) * 1000;
const people = ['alice', 'bob', 'carol', 'deploy', 'mallory'];
const kinds = [
  ['ec2.amazonaws.com', 'DescribeInstances', true, undefined],
  ['s3.amazonaws.com', 'PutBucketPolicy', false, ['AWS::S3::Bucket', 'arn:aws:s3:::logs']],
  ['iam.amazonaws.com', 'CreateAccessKey', false, ['AWS::IAM::User', 'alice']],
  ['cloudtrail.amazonaws.com', 'StopLogging', false, ['AWS::CloudTrail::Trail', 'arn:aws:cloudtrail:us-east-1:111122223333:trail/audit']],
  ['iam.amazonaws.com', 'ListUsers', true, undefined],
  ['signin.amazonaws.com', 'ConsoleLogin', false, undefined],
  ['kms.amazonaws.com', 'Decrypt', true, ['AWS::KMS::Key', 'arn:aws:kms:us-east-1:111122223333:key/0000-1111']],
  ['ec2.amazonaws.com', 'TerminateInstances', false, ['AWS::EC2::Instance', 'i-0123456789abcdef0']],
];
const hostile = ['<img src=x onerror=alert(1)>', '"><script>alert(1)</script>', "javascript:alert('x')", '=cmd|calc', '\u202egnp.exe', '${7*7}{{7*7}}'];

const stored = [];
for (let seq = 0; seq < day / 40_000; seq++) stored.push(event(seq, now - day + seq * 40_000));

export function event(seq, at) {
  const [eventSource, eventName, readOnly, resource] = kinds[(seq * 7) % kinds.length];
  const user = people[(seq * 5) % people.length];
  const odd = seq % 97 === 0 ? hostile[(seq / 97) % hostile.length] : undefined;
  const failed = seq % 11 === 3;
  const record = {
    eventVersion: '1.11',
    userIdentity: {
      type: 'IAMUser',
      principalId: `AIDA${user.toUpperCase()}`,
      arn: `arn:aws:iam::111122223333:user/${odd ?? user}`,
      accountId: '111122223333',
      accessKeyId: `AKIA${user.toUpperCase().padEnd(16, '0')}`,
      userName: odd ?? user,
    },
    eventTime: new Date(at).toISOString().replace('.000Z', 'Z'),
    eventSource,
    eventName,
    awsRegion: seq % 9 === 0 ? 'eu-west-1' : 'us-east-1',
    sourceIPAddress: `203.0.113.${seq % 40}`,
    userAgent: odd ?? 'aws-cli/2.31.0',
    ...(failed && { errorCode: 'AccessDenied', errorMessage: `User: ${user} is not authorized to perform: ${eventName}` }),
    requestParameters: { bucketName: odd ?? 'logs', tags: [{ key: 'team', value: 'core' }], maxResults: seq },
    responseElements: null,
    requestID: `req-${seq}`,
    eventID: `00000000-0000-4000-8000-${String(seq).padStart(12, '0')}`,
    readOnly,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: '111122223333',
    eventCategory: 'Management',
    ...(resource && { resources: [{ accountId: '111122223333', type: resource[0], ARN: resource[1] }] }),
  };
  return { seq, arrival: new Date(at + 900).toISOString(), origin: ['recorded', 'gateway', 'posted', 'imported'][seq % 4], flags: [], record };
}

export async function find(answer, params, request) {
  answer.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  const newest = params.get('order') !== 'oldest';
  const limit = Number(params.get('limit') ?? '50');
  const after = params.has('after') ? Number(params.get('after').split('-')[1]) : undefined;
  const test = condition(params);
  let sent = 0;
  let last;
  let gone = false;
  request.on('close', () => (gone = true));
  for (let i = 0; i < stored.length && !gone; i++) {
    const event = stored[newest ? stored.length - 1 - i : i];
    if (after !== undefined && (newest ? event.seq >= after : event.seq <= after)) continue;
    if (!test(event.record)) continue;
    if (limit && sent === limit) {
      answer.end(JSON.stringify({ end: { next: `${Date.parse(last.record.eventTime) / 1000}-${last.seq}` } }) + '\n');
      return;
    }
    answer.write(JSON.stringify(event) + '\n');
    last = event;
    if (++sent % 200 === 0) await new Promise((resume) => setImmediate(resume));
  }
  answer.end(JSON.stringify({ end: {} }) + '\n');
}

/** The export, a row every few milliseconds, so that there is a progress to look at. */
export async function download(answer, params, request) {
  const format = params.get('format');
  answer.writeHead(200, {
    'Content-Disposition': `attachment; filename="cairn-events.${format}"`,
    ...(format === 'csv' && { 'X-Cairn-Csv-Neutralized': 'formulas' }),
  });
  const wanted = new URLSearchParams([...params].filter(([name]) => name !== 'format' && name !== 'columns'));
  const rows = stored.filter(({ record }) => condition(wanted)(record)).reverse();
  let gone = false;
  request.on('close', () => (gone = true));
  answer.write({ csv: 'eventTime,eventName\r\n', json: '{"Records":[', ndjson: '' }[format]);
  for (const [i, { record }] of rows.entries()) {
    if (gone) return;
    answer.write({ csv: `${record.eventTime},${record.eventName}\r\n`, json: (i ? ',' : '') + JSON.stringify(record), ndjson: JSON.stringify(record) + '\n' }[format]);
    if (i % 10 === 0) await new Promise((resume) => setTimeout(resume, 5));
  }
  answer.end(format === 'json' ? ']}' : '');
}

export function tail(answer, params, request) {
  answer.writeHead(200, { 'Content-Type': 'text/event-stream' });
  answer.write(': ready\n\n');
  const test = condition(params);
  let seq = 1_000_000 + (Date.now() % 1_000_000);
  const timer = setInterval(() => {
    const made = event(seq++, Date.now());
    if (test(made.record)) answer.write(`id: 0-${seq}\ndata: ${JSON.stringify(made)}\n\n`);
  }, 500);
  request.on('close', () => clearInterval(timer));
}

export function values(params) {
  const counts = new Map();
  const prefix = params.get('prefix') ?? '';
  for (const { record } of stored) {
    for (const value of attribute(record, params.get('attribute'))) {
      if (value.toLowerCase().startsWith(prefix.toLowerCase())) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  const list = [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => b.count - a.count);
  return { values: list.slice(0, Number(params.get('limit') ?? '100')), complete: true };
}

export function histogram(params) {
  const step = Number(params.get('step') ?? '3600') * 1000;
  const test = condition(params);
  const counts = new Map();
  for (const { record } of stored) {
    if (!test(record)) continue;
    const start = Math.floor(Date.parse(record.eventTime) / step) * step;
    counts.set(start, (counts.get(start) ?? 0) + 1);
  }
  return { buckets: [...counts].sort((a, b) => a[0] - b[0]).map(([start, count]) => ({ start: new Date(start).toISOString(), count })) };
}

/** What the parameters of a search ask of a record. */
function condition(params) {
  const fixed = new Set(['since', 'until', 'limit', 'order', 'after', 'account', 'region', 'category', 'errorOnly', 'from', 'step']);
  const single = [];
  const groups = new Map();
  for (const name of new Set(params.keys())) {
    if (fixed.has(name)) continue;
    const group = /^or\.([\w-]+)\.(.*)$/.exec(name);
    const test = clause(group ? group[2] : name, params.getAll(name));
    if (group) groups.set(group[1], [...(groups.get(group[1]) ?? []), test]);
    else single.push(test);
  }
  const time = (text) => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));
  const since = params.has('since') ? time(params.get('since')) : -Infinity;
  const until = params.has('until') ? time(params.get('until')) : Infinity;
  return (record) => {
    const at = Date.parse(record.eventTime);
    if (at < since || at > until) return false;
    if (params.get('region') && record.awsRegion !== params.get('region')) return false;
    if (params.get('errorOnly') === 'true' && !record.errorCode) return false;
    return single.every((test) => test(record)) && [...groups.values()].every((tests) => tests.some((test) => test(record)));
  };
}

function clause(name, wanted) {
  const not = name.startsWith('not.');
  if (not) name = name.slice(4);
  const read = name.startsWith('path.') ? (record) => at(record, name.slice(5).split('.')) : (record) => attribute(record, name);
  return (record) => {
    const found = read(record).some((value) => wanted.some((want) => (want.endsWith('*') ? value.startsWith(want.slice(0, -1)) : value === want)));
    return found !== not;
  };
}

function at(value, path) {
  if (Array.isArray(value)) return value.flatMap((one) => at(one, path));
  if (path.length === 0) return value === undefined ? [] : [typeof value === 'object' ? JSON.stringify(value) : String(value)];
  return value && typeof value === 'object' ? at(value[path[0]], path.slice(1)) : [];
}

function attribute(record, name) {
  const found = {
    EventId: record.eventID,
    EventName: record.eventName,
    EventSource: record.eventSource,
    ReadOnly: String(record.readOnly),
    Username: record.userIdentity.userName,
    AccessKeyId: record.userIdentity.accessKeyId,
    ResourceType: record.resources?.map((r) => r.type),
    ResourceName: record.resources?.map((r) => r.ARN),
    errorCode: record.errorCode,
    sourceIPAddress: record.sourceIPAddress,
    'userIdentity.arn': record.userIdentity.arn,
  }[name];
  return found === undefined ? [] : [found].flat();
}
