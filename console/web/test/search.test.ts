import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareFields, exactRecord, fieldsOf, tokenFor } from '@/components/event/fields';
import { exactly, formatQuery, interpret, narrowed, noQuery, parseQuery, pathKey, propertyOf, QueryProblem, type EventQuery, type Operator, type Token } from '@/components/event/query';
import { boundsOf, formatRange, parseRange } from '@/components/event/range';
import { formatSearch, narrowedPath, parseSearch, readsRecords, searchConditions, searchFor } from '@/components/event/search';
import { identityToken, rangeAround, resourceState } from '@/components/event/links';
import { resourcesOf } from '@/components/event/resources';
import { eventOf } from '@/api/events';
import { changed } from '@/components/urlState';
import { searchPath } from '@/app/paths';

const t = (propertyKey: string, operator: Operator, value: string): Token => ({ propertyKey, operator, value });
const all = (...tokens: EventQuery['tokens']): EventQuery => ({ operation: 'and', tokens });
const any = (...tokens: Token[]) => ({ operation: 'or' as const, tokens });
const both = (...tokens: Token[]) => ({ operation: 'and' as const, tokens });
const sorted = (params: URLSearchParams) => [...params].map(([name, value]) => `${name}=${value}`).sort();
const written = (query: EventQuery) => sorted(formatQuery(query));

const hostile = ['<img src=x onerror=alert(1)>', 'a&b=c', 'a+b c', '100%', '%2525', '#x', 'ü\u202e\u0000', '"quoted"', '\\', 'a\\b', 'x=y', '\n', '؟', '😀', 'javascript:alert(1)', '=1+1', '../..', 'or.a.EventName', 'not.x'];

test('conditions are written as the API has them', () => {
  assert.deepEqual(written(all(t('EventName', '=', 'StopLogging'))), ['EventName=StopLogging']);
  assert.deepEqual(written(all(t('EventName', '!=', 'StopLogging'), t('EventName', '!=', 'Delete'))), ['not.EventName=Delete', 'not.EventName=StopLogging']);
  assert.deepEqual(written(all(t('EventName', '^', 'Delete'), t('errorCode', '!^', 'Access'))), ['EventName=Delete*', 'not.errorCode=Access*']);
  assert.deepEqual(written(all(t('errorCode', '=', '*'), t('path.requestParameters.x', '!=', '*'))), ['errorCode=*', 'not.path.requestParameters.x=*']);
  assert.deepEqual(written(all(t('region', '=', 'eu-west-1'), t('account', '=', '111122223333'), t('category', '=', 'Data'), t('errorOnly', '=', 'true'))), [
    'account=111122223333',
    'category=Data',
    'errorOnly=true',
    'region=eu-west-1',
  ]);
});

test('a parameter that is there twice means "one of them", so an AND of one property takes groups', () => {
  assert.deepEqual(written(all(any(t('EventName', '=', 'A'), t('EventName', '^', 'B')))), ['EventName=A', 'EventName=B*']);
  assert.deepEqual(written(all(t('ResourceName', '=', 'a'), t('ResourceName', '=', 'b'))), ['ResourceName=a', 'or.g1.ResourceName=b']);
  assert.deepEqual(written(all(t('EventName', '=', 'A'), any(t('EventName', '=', 'B'), t('EventName', '=', 'C')))), ['EventName=A', 'or.g1.EventName=B', 'or.g1.EventName=C']);
});

test('alternatives of several properties are a group, and any AND within them is multiplied out', () => {
  assert.deepEqual(written({ operation: 'or', tokens: [t('EventName', '=', 'A'), t('errorCode', '!=', '*')] }), ['or.g1.EventName=A', 'or.g1.not.errorCode=*']);
  assert.deepEqual(written({ operation: 'or', tokens: [both(t('EventName', '=', 'A'), t('Username', '=', 'u')), t('ReadOnly', '=', 'false')] }), [
    'or.g1.EventName=A',
    'or.g1.ReadOnly=false',
    'or.g2.ReadOnly=false',
    'or.g2.Username=u',
  ]);
  assert.deepEqual(written({ operation: 'or', tokens: [t('EventName', '=', 'A')] }), ['EventName=A']);
  const wide = both(...Array.from({ length: 9 }, (_, i) => t('EventName', '=', `a${i}`)));
  assert.throws(() => formatQuery({ operation: 'or', tokens: [wide, wide, wide] }), QueryProblem);
});

test('what stands once in the API is a path where it is said otherwise', () => {
  assert.deepEqual(written(all(t('region', '!=', 'eu-west-1'))), ['not.path.awsRegion=eu-west-1']);
  assert.deepEqual(written(all(t('region', '^', 'eu-'), t('category', '=', '*'))), ['path.awsRegion=eu-*', 'path.eventCategory=*']);
  assert.deepEqual(written(all(any(t('account', '=', '1'), t('account', '=', '2')))), ['or.g1.path.recipientAccountId=1', 'or.g1.path.recipientAccountId=2']);
  assert.deepEqual(written(all(t('region', '=', 'a'), t('region', '=', 'b'))), ['path.awsRegion=b', 'region=a']);
});

test('what the API cannot be asked is refused, not asked otherwise', () => {
  for (const query of [
    all(t('EventName', '=', '')),
    all(t('EventName', '^', 'a\\')),
    all(t('ReadOnly', '^', 't')),
    all(t('errorOnly', '=', 'false')),
    all(any(t('errorOnly', '=', 'true'), t('EventName', '=', 'A'))),
    all(any(t('path.a', '!=', '1'), t('path.a', '!=', '2'))),
    all(...Array.from({ length: 257 }, (_, i) => t('path.x', '!=', `v${i}`))),
  ]) {
    assert.throws(() => formatQuery(query), QueryProblem, JSON.stringify(query).slice(0, 100));
  }
});

test('a query that is written and read again asks for the same', () => {
  const keys = ['EventName', 'userIdentity.arn', 'path.requestParameters.bucketName', 'path.a\\.b.c', 'region', 'ResourceName'];
  const operators: Operator[] = ['=', '!=', '^', '!^'];
  for (const value of [...hostile, '*', '\\*', 'a*b', '**']) {
    for (const key of keys) {
      for (const operator of operators) {
        const query = all(t('ReadOnly', '=', 'false'), t(key, operator, value), any(t(key, '=', value), t('Username', '!=', 'x')));
        let params: URLSearchParams;
        try {
          params = formatQuery(query);
        } catch (error) {
          assert.ok(error instanceof QueryProblem && value.endsWith('\\') && operator.endsWith('^'), `${key} ${operator} ${value}`);
          continue;
        }
        const again = parseQuery(new URLSearchParams(params.toString()));
        assert.deepEqual(sorted(formatQuery(again)), sorted(params), `${key} ${operator} ${value}`);
      }
    }
  }
});

test('parameters become the conditions that they are', () => {
  const query = (text: string) => parseQuery(new URLSearchParams(text));
  assert.deepEqual(query('EventName=Delete*&not.errorCode=*'), all(t('EventName', '^', 'Delete'), t('errorCode', '!=', '*')));
  assert.deepEqual(query('EventName=a\\*'), all(t('EventName', '=', 'a\\*')));
  assert.deepEqual(query('EventName=A&EventName=B'), { operation: 'or', tokens: [t('EventName', '=', 'A'), t('EventName', '=', 'B')] });
  assert.deepEqual(query('not.EventName=A&not.EventName=B'), all(t('EventName', '!=', 'A'), t('EventName', '!=', 'B')));
  assert.deepEqual(query('ReadOnly=false&or.x.EventName=A&or.x.not.Username=u'), all(t('ReadOnly', '=', 'false'), any(t('EventName', '=', 'A'), t('Username', '!=', 'u'))));
  // None of the two, or C: that is an AND within an OR.
  assert.deepEqual(sorted(formatQuery(query('or.x.EventName=C&or.x.not.Username=A&or.x.not.Username=B'))), [
    'or.g1.EventName=C',
    'or.g1.not.Username=A',
    'or.g2.EventName=C',
    'or.g2.not.Username=B',
  ]);
  // What is not known goes to the server, which says so.
  assert.deepEqual(written(query('unheardOf=1')), ['unheardOf=1']);
});

test('an exact value is found whatever its characters are', () => {
  // As in the server's parseTest.
  const takes = (parameter: string, value: string) => {
    if (!parameter.endsWith('*')) return parameter === value;
    const stem = parameter.slice(0, -1);
    return stem.endsWith('\\') ? `${stem.slice(0, -1)}*` === value : value.startsWith(stem);
  };
  for (const value of [...hostile, '*', 'a*', 'a\\*', '\\', '**', 'a\\\\*']) {
    const [parameter] = formatQuery(all(exactly('EventName', value))).getAll('EventName');
    assert.ok(takes(parameter!, value), value);
    assert.ok(!takes(parameter!, `${value}x`), `${value} is no beginning`);
  }
});

test('a search is narrowed by AND, also one of alternatives', () => {
  const token = t('Username', '!=', 'x');
  assert.deepEqual(narrowed(noQuery, token), all(token));
  assert.deepEqual(narrowed(all(token), token), all(token));
  assert.deepEqual(written(narrowed({ operation: 'or', tokens: [t('EventName', '=', 'A'), t('EventName', '=', 'B')] }, token)), ['EventName=A', 'EventName=B', 'not.Username=x']);
});

test('what is typed without a property is understood', () => {
  assert.deepEqual(interpret('path.requestParameters.bucketName = logs'), t('path.requestParameters.bucketName', '=', 'logs'));
  assert.deepEqual(interpret('requestParameters.bucketName!^a b'), t('path.requestParameters.bucketName', '!^', 'a b'));
  assert.deepEqual(interpret('eventname != StopLogging'), t('EventName', '!=', 'StopLogging'));
  assert.deepEqual(interpret('awsRegion=eu-west-1'), t('region', '=', 'eu-west-1'));
  assert.deepEqual(interpret('StopL'), t('EventName', '^', 'StopL'));
  assert.deepEqual(interpret('StopL', '!='), t('EventName', '!^', 'StopL'));
  assert.deepEqual(interpret('AKIAIOSFODNN7EXAMPLE'), t('AccessKeyId', '=', 'AKIAIOSFODNN7EXAMPLE'));
  assert.deepEqual(interpret('203.0.113.7'), t('sourceIPAddress', '=', '203.0.113.7'));
  assert.deepEqual(interpret('2001:db8::1'), t('sourceIPAddress', '=', '2001:db8::1'));
  assert.deepEqual(interpret('arn:aws:iam::111122223333:user/alice'), t('userIdentity.arn', '=', 'arn:aws:iam::111122223333:user/alice'));
  assert.deepEqual(interpret('00000000-0000-4000-8000-000000000001'), t('EventId', '=', '00000000-0000-4000-8000-000000000001'));
  assert.deepEqual(interpret('s3.amazonaws.com'), t('EventSource', '=', 's3.amazonaws.com'));
  assert.equal(interpret('  '), undefined);
  assert.equal(interpret('eventName ='), undefined);
  assert.equal(propertyOf('path.'), undefined);
  assert.equal(propertyOf('constructor'), undefined);
  assert.equal(propertyOf('__proto__'), undefined);
});

test('ranges are in the address, relative or absolute', () => {
  for (const text of ['last=30m', 'last=24h', 'last=7d', 'last=2w', 'last=3mo', 'last=1y', 'last=all', 'since=2024-05-01T00%3A00%3A00Z', 'since=1&until=2']) {
    const range = parseRange(new URLSearchParams(text));
    assert.equal(changed(new URLSearchParams(), formatRange(range)).toString(), text);
  }
  assert.deepEqual(parseRange(new URLSearchParams('last=0h&until=x')), { is: 'between', since: undefined, until: 'x' });
  const now = Date.parse('2024-03-31T12:00:00Z');
  assert.equal(boundsOf({ is: 'last', amount: 1, unit: 'month' }, now).since, Date.parse('2024-02-29T12:00:00Z'));
  assert.equal(boundsOf({ is: 'last', amount: 3, unit: 'hour' }, now).since, now - 3 * 3_600_000);
  assert.deepEqual(boundsOf({ is: 'between', since: '1714557600' }, now), { since: 1_714_557_600_000, until: undefined });
});

test('a search and its address are the same thing', () => {
  const address = new URLSearchParams('ReadOnly=false&path.requestParameters.x=a%2525b%2Bc&last=3h&order=oldest');
  const search = parseSearch(address);
  assert.deepEqual(sorted(formatSearch(search)), sorted(address));
  assert.deepEqual(search.query.tokens[1], t('path.requestParameters.x', '=', 'a%25b+c'));
  const now = Date.parse('2024-05-01T12:00:00.500Z');
  assert.deepEqual(sorted(searchConditions(search, now)), ['ReadOnly=false', 'order=oldest', 'path.requestParameters.x=a%25b+c', 'since=2024-05-01T09:00:00Z']);
  // Links of other pages have no range: all time.
  assert.deepEqual(parseSearch(new URLSearchParams(searchPath({ EventName: 'A&B' }).split('?')[1])), { query: all(t('EventName', '=', 'A&B')), range: { is: 'all' }, order: 'newest' });
  assert.equal(searchFor([]), '/events?last=all');
  assert.equal(narrowedPath('/events', new URLSearchParams('EventName=A&last=3h'), t('Username', '=', 'u')), '/events?EventName=A&Username=u&last=3h');
  // An address that cannot be read is not narrowed.
  const wide = new URLSearchParams([['or.a.Username', 'x']]);
  for (let i = 0; i < 70; i++) wide.append('or.a.not.EventName', `e${i}`);
  assert.throws(() => parseSearch(wide), QueryProblem);
  assert.equal(narrowedPath('/events', wide, t('Username', '=', 'u')), '/events?Username=u&last=all');
  assert.equal(narrowedPath('/events/x', new URLSearchParams('EventName=A'), t('Username', '=', 'u')), '/events?Username=u&last=all');
  assert.ok(!readsRecords(new URLSearchParams('EventName=A*&not.errorCode=*')));
  for (const text of ['path.x=1', 'not.path.x=1', 'or.g.EventName=1', 'errorOnly=true', 'ResourceName=a*']) assert.ok(readsRecords(new URLSearchParams(text)), text);
});

test('every value of a record has the condition that finds it', () => {
  const { fields } = fieldsOf({ eventName: 'A', requestParameters: { 'a.b\\c': ['x', { d: null }], n: 12345678901234567890, e: '', o: {}, l: [] }, userIdentity: { arn: 'arn*' } });
  const found = Object.fromEntries(fields.map(({ path, text, token }) => [path, token ? `${token.propertyKey} ${token.operator} ${token.value}` : `(${text})`]));
  assert.deepEqual(found, {
    eventName: 'EventName = A',
    'requestParameters.a\\.b\\\\c[0]': 'path.requestParameters.a\\.b\\\\c = x',
    'requestParameters.a\\.b\\\\c[1].d': 'path.requestParameters.a\\.b\\\\c.d = null',
    'requestParameters.n': '(12345678901234567000)',
    'requestParameters.e': '()',
    'requestParameters.o': '({})',
    'requestParameters.l': '([])',
    'userIdentity.arn': 'userIdentity.arn = arn\\*',
  });
  assert.equal(tokenFor(['a'], 'x'.repeat(4097)), undefined);
  assert.equal(tokenFor(['a'], 'ü'.repeat(2049)), undefined);
  assert.equal(pathKey(['__proto__']), 'path.__proto__');
  const deep = JSON.parse('{"a":'.repeat(200) + '1' + '}'.repeat(200)) as Record<string, unknown>;
  assert.equal(fieldsOf(deep).fields.length, 1);
  assert.ok(fieldsOf(Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [`k${i}`, i]))).more);
});

test('numbers that do not fit keep their digits, and have a condition', () => {
  const record = exactRecord(event(`{"a":9007199254740993,"b":[1.0,1e400,-0],"c":7,"#":"\\"12345678901234567890","d":{"#":1.50}}`));
  const { fields } = fieldsOf(record);
  assert.deepEqual(
    fields.map(({ path, text, token }) => `${path} ${text} ${token?.value}`),
    ['a 9007199254740993 9007199254740993', 'b[0] 1.0 1.0', 'b[1] 1e400 1e400', 'b[2] -0 -0', 'c 7 7', '# "12345678901234567890 "12345678901234567890', 'd.# 1.50 1.50'],
  );
  const rows = compareFields(['{"id":9007199254740992}', '{"id":9007199254740993}'].map((raw) => exactRecord(event(raw))));
  assert.deepEqual(rows, [{ path: 'id', texts: ['9007199254740992', '9007199254740993'], differs: true }]);
  // What cannot be read anew is what it was read as.
  assert.deepEqual(exactRecord({ ...event('{}'), record: { a: 1 }, raw: '{' }), { a: 1 });

  function event(raw: string) {
    return { seq: 1, arrival: '', origin: 'posted' as const, flags: [], record: JSON.parse(raw) as Record<string, unknown>, raw };
  }
});

test('names that look like steps of a path do not hide others', () => {
  const rows = compareFields([
    { a: { b: 1 }, 'a.b': 2, 'c[0]': 3, c: [4] },
    { a: { b: 5 }, 'a.b': 2, 'c[0]': 3, c: [4] },
  ]);
  assert.deepEqual(rows.map(({ path, differs }) => `${path} ${differs}`), ['a.b true', 'a\\.b false', 'c\\[0] false', 'c[0] false']);
});

test('a comparison marks what differs and what is missing', () => {
  const rows = compareFields([
    { eventName: 'A', readOnly: true, x: { y: 1 } },
    { eventName: 'A', readOnly: false },
  ]);
  assert.deepEqual(rows, [
    { path: 'eventName', texts: ['A', 'A'], differs: false },
    { path: 'readOnly', texts: ['true', 'false'], differs: true },
    { path: 'x.y', texts: ['1', undefined], differs: true },
  ]);
});

const event = (record: object, resources?: { type?: string; name: string }[]) => {
  const line = JSON.stringify({ seq: 1, arrival: '', origin: 'posted', flags: [], resources, record });
  return eventOf(JSON.parse(line), line);
};

test('resources are those that the server found, each once', () => {
  const found = event({ eventName: 'A' }, [{ type: 'AWS::S3::Bucket', name: 'arn:aws:s3:::logs' }, { type: 'AWS::S3::Bucket', name: 'logs' }, { name: '},"record":{"eventName":"B"' }]);
  assert.deepEqual(resourcesOf(found), [
    { type: 'AWS::S3::Bucket', name: 'arn:aws:s3:::logs', accountId: '' },
    { type: '', name: '},"record":{"eventName":"B"', accountId: '' },
  ]);
  assert.equal(found.raw, '{"eventName":"A"}');
  // Events of a tail have the record's own list only.
  assert.deepEqual(resourcesOf(event({ resources: [{ ARN: 'arn:aws:s3:::logs', type: 'T', accountId: '1' }] })), [{ type: 'T', name: 'arn:aws:s3:::logs', accountId: '1' }]);
});

test('a resource has a link, or the reason why not', () => {
  const who = (operator: boolean) => ({ type: 'IAMUser', arn: '', accountId: '111122223333', principalId: '', operator });
  const own = event({ recipientAccountId: '111122223333' });
  assert.deepEqual(resourceState({ type: 'T', name: 'x', accountId: '' }, own, who(false)), { link: true });
  assert.deepEqual(resourceState({ type: 'T', name: 'arn:aws:iam::aws:policy/AdministratorAccess', accountId: '' }, own, who(true)), { link: false, why: 'owned by AWS' });
  assert.deepEqual(resourceState({ type: 'T', name: 'arn:aws:sns:us-east-1:444455556666:t', accountId: '' }, own, who(false)), { link: false, why: 'another account’s' });
  assert.deepEqual(resourceState({ type: 'T', name: 'arn:aws:sns:us-east-1:444455556666:t', accountId: '' }, own, who(true)), { link: true });
});

test('around an event means its time and the most exact identity', () => {
  const at = event({ eventTime: '2024-05-01T10:00:00Z', userIdentity: { type: 'IAMUser', userName: 'u', accessKeyId: 'AKIA1' } });
  assert.deepEqual(identityToken(at), t('AccessKeyId', '=', 'AKIA1'));
  assert.deepEqual(rangeAround(at, 5), { is: 'between', since: '2024-05-01T09:55:00Z', until: '2024-05-01T10:05:00Z' });
  assert.equal(rangeAround(event({ eventTime: 'soon' }), 5), undefined);
  assert.equal(identityToken(event({})), undefined);
});
