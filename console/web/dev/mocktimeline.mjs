// The history of a made-up user for dev/mock.mjs: renamed, with failed calls, an effect that is not known and hostile values. Names that
// begin with "no" have no events; "cut" and "many" are what they say.

const hostile = ['<img src=x onerror=alert(1)>', '"><script>alert(1)</script>', '\u202egnp.exe'];
const start = Math.floor(Date.now() / 60_000) * 60_000 - 3 * 3600_000;
const arn = (name) => `arn:aws:iam::111122223333:user/${name}`;
const policy = (action) => ({ Statement: [{ Action: action, Effect: 'Allow', Resource: '*' }], Version: '2012-10-17' });

/** What happened, with the configuration behind it: [event, effect, configuration, differences, error]. */
function story(oldName, newName) {
  const made = { arn: arn(oldName), path: '/', tags: { team: 'blue', odd: hostile[0] }, userName: oldName };
  const allowed = { ...made, inlinePolicies: { all: policy('s3:*') } };
  const renamed = { ...allowed, arn: arn(newName), userName: newName };
  const wide = { ...renamed, inlinePolicies: { all: policy('*') } };
  const added = (config) => Object.entries(config).map(([path, after]) => ({ path, change: 'added', after }));
  return [
    ['CreateUser', 'created', made, added(made)],
    ['PutUserPolicy', 'updated', allowed, [{ path: 'inlinePolicies', change: 'added', after: allowed.inlinePolicies }]],
    ['GetUser', 'none', allowed],
    ['DeleteUser', 'failed', allowed, undefined, ['DeleteConflict', `Cannot delete entity ${hostile[1]}`]],
    ['UpdateUser', 'renamed', renamed, ['arn', 'userName'].map((path) => ({ path, change: 'changed', before: made[path], after: renamed[path] }))],
    ['PutUserPolicy', 'updated', wide, [{ path: 'inlinePolicies.all.Statement[].Action', change: 'changed', before: 's3:*', after: '*' }]],
    ['FrobnicateUser', 'unknown', wide],
  ];
}

export function timeline(params) {
  const asked = params.get('name');
  const [oldName, newName] = ['Kit-user', asked === 'Kit-user' ? 'Kit-admin' : asked];
  const empty = { account: params.get('account') ?? '111122223333', type: params.get('type') ?? undefined, name: asked, state: 'ResourceNotRecorded', names: [{ name: asked }], configuration: {}, complete: false, changes: [], relationships: [] };
  if (asked.startsWith('no')) return empty;
  let steps = story(oldName, newName);
  if (asked === 'many') for (let i = 0; i < 120; i++) steps.push(['TagUser', 'updated', { ...steps[5][2], tags: { n: String(i) } }, [{ path: 'tags.n', change: 'changed', before: String(i - 1), after: String(i) }]]);
  if (params.get('reads') !== 'true') steps = steps.filter(([, effect]) => effect !== 'none');
  if (asked === 'cut' && params.get('limit') === null) steps = steps.slice(0, 4);
  const rename = steps.findIndex(([, effect]) => effect === 'renamed');
  const at = (i) => new Date(start + i * 60_000).toISOString().replace('.000Z', 'Z');
  const id = (i) => `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
  const all = steps.map(([eventName, effect, , differences, error], i) => ({
    seq: i,
    eventId: id(i),
    eventTime: at(i),
    eventName,
    eventSource: 'iam.amazonaws.com',
    username: i % 3 ? 'alice' : 'mallory',
    userArn: arn(i % 3 ? 'alice' : 'mallory'),
    sourceIPAddress: i % 4 ? '203.0.113.9' : hostile[2],
    origin: i % 4 ? 'recorded' : 'imported',
    name: rename >= 0 && i > rename ? newName : oldName,
    effect,
    state: i === 0 ? 'ResourceDiscovered' : 'OK',
    ...(error && { errorCode: error[0], errorMessage: error[1] }),
    ...(differences && { differences }),
  }));
  const since = Date.parse(params.get('since') ?? '') || 0;
  const changes = all.filter(({ eventTime }) => Date.parse(eventTime) >= since);
  const chosen = all.findIndex(({ eventId }) => eventId === params.get('at'));
  const last = steps.at(-1)[2];
  return {
    ...empty,
    type: params.get('type') ?? 'AWS::IAM::User',
    name: last.userName,
    arn: last.arn,
    state: 'OK',
    names:
      rename < 0
        ? [{ name: oldName }]
        : [
            { name: oldName, until: at(rename), renamedTo: newName, eventId: id(rename) },
            { name: newName, from: at(rename) },
          ],
    created: { time: at(0), eventId: id(0), by: arn('mallory') },
    configuration: last,
    complete: true,
    ...(chosen >= 0 && { at: { eventId: id(chosen), time: at(chosen), name: steps[chosen][2].userName, state: 'OK', complete: true, configuration: steps[chosen][2] } }),
    ...(asked === 'cut' && params.get('limit') === null && { cut: ['events', 'relationships'] }),
    changes,
    earlier: all.length - changes.length || undefined,
    unknown: steps.some(([, effect]) => effect === 'unknown') ? 1 : undefined,
    relationships: [
      { role: 'member-of', type: 'AWS::IAM::Group', name: 'developers', events: 2, first: at(0), last: at(3), current: true },
      { role: 'has-policy', type: 'AWS::IAM::Policy', name: 'arn:aws:iam::aws:policy/ReadOnlyAccess', events: 1, first: at(1), last: at(1), current: false },
      { role: 'named-with', name: hostile[1], events: 3, failed: 1, first: at(2), last: at(4) },
    ],
    otherTypes: { 'AWS::IAM::Role': 2 },
  };
}
