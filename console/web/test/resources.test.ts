import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startMock } from '#dev/mock.mjs';
import type { FoundEvent } from '@/api/record';
import { signIn } from '@/api/session';
import { getTimeline, type Change, type Timeline } from '@/api/timeline';
import { paths } from '@/app/paths';
import { parseAsk, queryOf, snapshotQuery } from '@/pages/resources/ask';
import { authorPath, authorsOf, deedsPath, eventsPath, isLong, roleText, shortIdentity, stopsOf, unsetBefore, valueText } from '@/pages/resources/facts';
import { recentOf } from '@/pages/resources/recent';

const real = globalThis.fetch;
let server: { url: string; close(): void };
let cookie = '';

before(async () => {
  server = await startMock({});
  globalThis.fetch = async (url, init) => {
    const answer = await real(server.url + String(url), { ...init, headers: { ...(init?.headers as Record<string, string>), Cookie: cookie } });
    cookie = answer.headers.get('Set-Cookie')?.split(';')[0] ?? cookie;
    return answer;
  };
  await signIn({ accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'x' });
});
after(() => {
  server.close();
  globalThis.fetch = real;
});

const change = (of: Partial<Change>): Change => ({ seq: 1, eventId: 'e', eventTime: '2026-05-01T10:00:00Z', eventName: 'X', eventSource: 's', origin: 'recorded', name: 'n', effect: 'updated', ...of });
const history = (of: Partial<Timeline>): Timeline => ({ account: '111122223333', name: 'n', state: 'OK', names: [], configuration: {}, complete: true, changes: [], relationships: [], ...of });

test('an address says what the server is asked', () => {
  const ask = parseAsk(new URLSearchParams('name=+Kit&type=AWS::IAM::User&since=2026-05-01T00:00:00Z&limit=99999&reads=true&at=e5&order=oldest&page=x'));
  assert.equal(ask.page, 1);
  assert.equal(ask.newestFirst, false);
  assert.deepEqual(queryOf(ask, 0), { name: 'Kit', type: 'AWS::IAM::User', region: undefined, account: undefined, reads: true, limit: 10_000, since: '2026-05-01T00:00:00Z', until: undefined });
  assert.deepEqual(snapshotQuery(ask, 0).since! > '2100', true);
  assert.equal(snapshotQuery(ask, 0).at, 'e5');
  assert.equal(parseAsk(new URLSearchParams('name=&limit=abc')).limit, undefined);
});

test('a history comes with the configuration behind an event, and none of the changes', async () => {
  const { timeline, text } = await getTimeline(queryOf(parseAsk(new URLSearchParams('name=Kit-user')), Date.now()));
  assert.equal(timeline.name, 'Kit-admin');
  assert.equal(JSON.parse(text).names.length, 2);
  const second = timeline.changes[1]!;
  const then = (await getTimeline(snapshotQuery(parseAsk(new URLSearchParams(`name=Kit-user&at=${second.eventId}`)), Date.now()))).timeline;
  assert.equal(then.changes.length, 0);
  assert.deepEqual(Object.keys(then.at!.configuration!), ['arn', 'path', 'tags', 'userName', 'inlinePolicies']);
});

test('authors are counted by what succeeded; reads do not count', () => {
  const authors = authorsOf([
    change({ userArn: 'a', effect: 'failed' }),
    change({ userArn: 'a', effect: 'failed' }),
    change({ userArn: 'b' }),
    change({ userArn: 'c', effect: 'none' }),
    change({ username: 'd', effect: 'deleted' }),
    change({ username: 'd', effect: 'unknown' }),
  ]);
  assert.deepEqual(
    authors.map(({ who, changes, failed }) => [who, changes, failed]),
    [
      ['d', 2, 0],
      ['b', 1, 0],
      ['a', 0, 2],
    ],
  );
});

test('the slider stops where the configuration can be another', () => {
  const of = (effect: Change['effect'], differences = 0) => change({ effect, differences: new Array(differences).fill({ path: 'p', change: 'added' }) });
  assert.deepEqual(
    stopsOf([of('created'), of('none'), of('failed'), of('updated'), of('updated', 1), of('unknown'), of('deleted', 2)]).map(({ effect }) => effect),
    ['created', 'updated', 'unknown', 'deleted'],
  );
});

test('what an identity did is found under all its names', () => {
  const names = [{ name: 'Kit-user', renamedTo: 'Kit-admin' }, { name: 'Kit-admin' }];
  const search = (path: string | undefined) => [...new URL(path!, 'http://x').searchParams];
  assert.deepEqual(search(deedsPath(history({ type: 'AWS::IAM::User', name: 'Kit-admin', arn: 'arn:aws:iam::111122223333:user/ops/Kit-admin', names }))).slice(0, 3), [
    ['userIdentity.arn', 'arn:aws:iam::111122223333:user/ops/Kit-user'],
    ['userIdentity.arn', 'arn:aws:iam::111122223333:user/ops/Kit-admin'],
    ['account', '111122223333'],
  ]);
  assert.deepEqual(search(deedsPath(history({ type: 'AWS::IAM::User', name: 'Kit-admin', names })))[0], ['Username', 'Kit-user']);
  assert.deepEqual(search(deedsPath(history({ type: 'AWS::IAM::Role', name: 'r' })))[0], ['userIdentity.arn', 'arn:aws:sts::111122223333:assumed-role/r/*']);
  assert.equal(deedsPath(history({ type: 'AWS::S3::Bucket', name: 'b' })), undefined);
  assert.deepEqual(search(eventsPath(history({ type: 'AWS::S3::Bucket', name: 'b*' })))[0], ['ResourceName', 'b\\*']);
  assert.equal(authorPath({ arn: '', username: '' }, '111122223333'), undefined);
});

test('values are shown so that no two look alike', () => {
  assert.deepEqual(
    ['a', 'true', true, '42', 42, '', ' a', '[1]', [1], null, undefined, { a: 1 }].map(valueText),
    ['a', '"true"', 'true', '"42"', '42', '""', '" a"', '"[1]"', '[1]', 'null', '', '{"a":1}'],
  );
  assert.equal(isLong([{ path: 'p', change: 'added', after: 'x'.repeat(700) }]), true);
  assert.equal(isLong([{ path: 'p', change: 'added', after: 'x' }]), false);
});

test('a field is said not to have been set only where that is known', () => {
  const made = history({ created: { time: '2026-05-01T09:00:00Z', eventId: 'c' } });
  assert.equal(unsetBefore(change({}), made), 'not set');
  assert.equal(unsetBefore(change({ eventTime: '2026-05-01T08:00:00Z' }), made), 'not set, or not known');
  assert.equal(unsetBefore(change({}), history({})), 'not set, or not known');
  assert.equal(unsetBefore(change({ effect: 'created' }), made), 'did not exist');
});

test('identities and roles have short names', () => {
  assert.equal(shortIdentity('arn:aws:sts::111122223333:assumed-role/deploy/i-1'), 'deploy/i-1');
  assert.equal(shortIdentity('arn:aws:iam::111122223333:root'), 'root');
  assert.equal(shortIdentity('<b>'), '<b>');
  assert.equal(roleText('member-of'), 'Member of');
  assert.equal(roleText('constructor'), 'Constructor');
});

test('a resource with a name and an ARN is one of the recent ones once', () => {
  const event = (seq: number, resources: { type: string; name: string }[]): FoundEvent => ({ seq, arrival: '', origin: 'recorded', flags: [], resources, record: { recipientAccountId: '1' }, raw: '{}' });
  const user = 'AWS::IAM::User';
  const recent = recentOf(
    [
      event(3, [{ type: user, name: 'kim' }, { type: user, name: 'arn:aws:iam::1:user/kim' }]),
      event(2, [{ type: 'AWS::IAM::Group', name: 'g' }, { type: '', name: 'arn:aws:iam::1:group/g' }]),
      event(1, [{ type: user, name: 'kim' }]),
    ],
    '',
  );
  assert.deepEqual(
    recent.map(({ name, events, last }) => [name, events, last.seq]),
    [
      ['kim', 2, 3],
      ['g', 1, 2],
    ],
  );
  assert.deepEqual(recentOf([event(2, [{ type: 'AWS::IAM::Group', name: 'g' }])], user), []);
});

test('the address of a timeline has only what is given', () => {
  assert.equal(paths.resource('', 'a b', { account: '' }), '/resources?name=a+b');
  assert.equal(paths.resource('AWS::X::Y', '&', { account: '1', region: 'r' }), '/resources?type=AWS%3A%3AX%3A%3AY&name=%26&account=1&region=r');
});
