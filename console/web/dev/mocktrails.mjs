// The states of two made-up trails for dev/mock.mjs: one that is well, one whose bucket refuses.

const ago = (seconds) => new Date(Date.now() - seconds * 1000).toISOString();

export function trailStatus(params) {
  const trails = [
    {
      name: 'audit', trailArn: 'arn:aws:cloudtrail:us-east-1:111122223333:trail/audit', isLogging: true, s3BucketName: 'logs', lagSeconds: 4.2,
      pending: { events: 12, more: false, oldestArrival: ago(4) }, staged: { files: 0, events: 0, bytes: 0 }, notNotified: 0, givenUp: 0,
      digestChains: [{ accountId: '111122223333', region: 'us-east-1', windowStart: ago(1800), nextDigest: ago(-1800), newestDigestEnd: ago(1800),
        newestDigest: 'AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2024/05/01/digest.json.gz', queued: 0 }],
      nextCut: ago(-120), working: false, problems: [], latestDelivery: ago(180),
    },
    {
      name: 'broken', trailArn: 'arn:aws:cloudtrail:eu-west-1:111122223333:trail/broken', isLogging: true, s3BucketName: 'gone', lagSeconds: 5400,
      pending: { events: 900, more: false, oldestArrival: ago(5400) }, staged: { files: 3, events: 700, bytes: 73_200, waitingSince: ago(5000) }, notNotified: 0,
      givenUp: 1, digestChains: [], nextCut: ago(-60), nextRetry: ago(-300), working: false,
      problems: [{ what: 'delivery', error: 'AccessDenied', advice: 'let the policy of the bucket allow s3:PutObject for cloudtrail.amazonaws.com' }],
    },
  ];
  const wanted = params.get('trail');
  return { trails: wanted ? trails.filter((trail) => trail.name === wanted || trail.trailArn === wanted) : trails, s3: 'own' };
}

export function trailFiles(params) {
  const states = ['staged', 'delivered', 'notified', 'in digest', 'in digest', 'in digest'];
  const files = states.map((state, i) => ({
    file: {
      id: `f${i}`, state, accountId: '111122223333', region: 'us-east-1', kind: 'CloudTrail', made: ago(300 * (i + 1)), from: `0-${4000 - i * 50}`, to: `0-${4049 - i * 50}`,
      events: 50, oldestEvent: ago(300 * (i + 2)), newestEvent: ago(300 * (i + 1)), rawBytes: 91_200, bytes: 8204, sha256: 'ab'.repeat(32), s3BucketName: 'logs',
      s3Key: `AWSLogs/111122223333/CloudTrail/us-east-1/2024/05/01/111122223333_CloudTrail_us-east-1_20240501T10${i}0Z_x.json.gz`, delivered: ago(290 * (i + 1)),
    },
  })).filter(({ file }) => !params.get('state') || file.state === params.get('state'));
  return [{ pending: { events: 2, more: false, oldestArrival: ago(3) } }, ...files, { end: {} }];
}

export function trailWhy(params) {
  return { events: [{ eventId: params.get('eventId'), eventName: 'StopLogging', trails: [
    { name: 'audit', taken: true, why: 'taken by selector 1', settings: 'present', file: trailFiles(new URLSearchParams())[5].file },
    { name: 'broken', taken: false, why: 'no selector takes it', settings: 'present' },
  ] }] };
}

export function trailDryRun() {
  const count = (value, events, matched) => ({ value, events, matched, matchedBytes: matched * 1600 });
  const sample = (eventName, why, i) => ({ eventId: `0000000${i}-1111-2222-3333-444455556666`, eventTime: ago(600 * (i + 1)), eventName, eventSource: 'iam.amazonaws.com',
    username: 'alice', category: 'Management', awsRegion: 'us-east-1', why });
  return [
    { progress: { scanned: 4000, matched: 120, at: ago(3600) } },
    { result: { since: ago(86_400), until: ago(0), scanned: 9000, matched: 300, importedLeftOut: 12, rawBytes: 480_000, eventsPerDay: 300, rawBytesPerDay: 480_000, gzipBytesPerDay: 61_000,
      categories: [count('Management', 9000, 300)], names: [count('iam.amazonaws.com CreateUser', 200, 200), count('s3.amazonaws.com PutBucketPolicy', 150, 100)],
      taken: [sample('CreateUser', 'taken by selector 1', 1)], notTaken: [sample('ListUsers', 'no selector takes it', 2)] } },
  ];
}

export function trailVerify({ trail }) {
  const broken = trail.endsWith('broken');
  const key = 'AWSLogs/111122223333/CloudTrail/us-east-1/2024/05/01/111122223333_CloudTrail_us-east-1_20240501T1000Z_x.json.gz';
  return [
    { progress: { files: 120, bytes: 9_000_000 } },
    ...(broken ? [{ finding: { severity: 'damage', kind: 'modified', bucket: 'gone', key, detail: 'its hash is another one', advice: 'bring the original back' } }] : []),
    { result: { verdict: broken ? 'damaged' : 'proved', trailArn: trail, s3BucketName: 'logs', seconds: 1.2, digests: 24, digestsProved: 24, logFiles: 280, logFilesProved: broken ? 279 : 280,
      logFilesNotProved: broken ? 1 : 0, bytes: 9_000_000, damage: broken ? 1 : 0, unreadable: 0, unproved: 0, findingsNotShown: 0,
      chains: [{ accountId: '111122223333', region: 'us-east-1', digests: 24, digestsProved: 24, logFiles: 280, logFilesProved: broken ? 279 : 280, from: ago(86_400), until: ago(1800) }] } },
  ];
}

export function trailRedeliver() {
  const [first, second] = trailFiles(new URLSearchParams()).slice(1);
  return [{ ...first, outcome: 'was there' }, { ...second, outcome: 'restored', why: 'it was missing' }, { end: { counts: { 'was there': 1, restored: 1 } } }];
}
