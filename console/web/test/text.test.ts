import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarize, textAt } from '@/api/record';
import { escapeXML, parseXML } from '@/api/xml';
import { formatAgo, formatBytes, formatDuration } from '@/components/format';
import { stepFor } from '@/components/Histogram';
import { indented, layOut } from '@/components/jsonText';
import { formatTime } from '@/components/TimeText';
import { changed } from '@/components/urlState';
import { visible } from '@/components/visible';
import { searchPath } from '@/app/paths';

test('JSON is laid out without changing a token', () => {
  const text = '{"a":[1.0e2,12345678901234567890,true,null,{},[]],"a":"x\\"{,}\\u0041","b":{"c":-1}}';
  const shown = indented(text);
  assert.equal(shown.split('\n')[1], '  "a": [');
  assert.equal(shown.replace(/\n\s*|(?<="): /g, (space) => (space === ': ' ? ':' : '')), text);
  assert.deepEqual(JSON.parse(shown), JSON.parse(text));
});

test('what is not JSON is shown as it is', () => {
  assert.ok(indented('{"a": <script>').endsWith('<script>'));
  assert.equal(layOut('').length, 0);
});

test('a large record is laid out quickly enough to be typed after', () => {
  const text = JSON.stringify(Array.from({ length: 8000 }, (_, i) => ({ name: `value ${i}` })));
  assert.ok(text.length > 150_000);
  assert.equal(layOut(text).length, 8000 * 3 + 2);
});

test('hidden characters are shown', () => {
  assert.equal(visible('a\u202eb\u200bc\n\u0000é'), 'a\\u202eb\\u200bc\n\\u0000é');
});

test('records of any shape give texts', () => {
  for (const record of [{}, { userIdentity: null }, { userIdentity: 'x', resources: 'y', eventName: { toString: 1 } }, { resources: [null, 7, { ARN: 5 }] }]) {
    const summary = summarize(record);
    for (const value of Object.values(summary)) assert.ok(typeof value === 'string' || Array.isArray(value));
  }
  assert.equal(textAt({ a: { b: [1, { c: 2 }] } }, 'a.b'), '[1,{"c":2}]');
  assert.equal(textAt({}, 'constructor.name'), '');
});

test('user names are those of LookupEvents', () => {
  const nameOf = (userIdentity: object) => summarize({ userIdentity }).userName;
  assert.equal(nameOf({ type: 'Root', userName: 'alias' }), 'root');
  assert.equal(nameOf({ type: 'AssumedRole', arn: 'arn:aws:sts::111122223333:assumed-role/admin/jane', principalId: 'AROA:other' }), 'jane');
  assert.equal(nameOf({ type: 'AssumedRole', principalId: 'AROA:jane:x' }), 'jane:x');
  assert.equal(nameOf({ type: 'IAMUser', userName: 'bob' }), 'bob');
});

test('XML is read, and what is not S3’s is refused', () => {
  const root = parseXML('<?xml version="1.0"?><A x="1"><B>a &amp; &#x62;<![CDATA[<c>]]></B><B/></A>');
  assert.deepEqual(root.children.map((child) => child.text), ['a & b<c>', '']);
  for (const bad of ['', '<A>', '<A></B>', '<A/><B/>', '<!DOCTYPE a [<!ENTITY b "c">]><A>&b;</A>', 'x<A/>', '<A>' + '<B>'.repeat(40)]) {
    assert.throws(() => parseXML(bad), SyntaxError, bad);
  }
  const text = `<&>"'`;
  assert.equal(parseXML(`<A>${escapeXML(text)}</A>`).text, text);
});

test('numbers for people', () => {
  assert.deepEqual([999, 1000, 1_234_567, 999_960].map(formatBytes), ['999 B', '1.0 kB', '1.2 MB', '1.0 MB']);
  assert.deepEqual([0, 4.24, 59, 60, 119, 3599, 7500, 270_000].map(formatDuration), ['0 s', '4.2 s', '59 s', '1 min', '2 min', '1 h', '2 h 5 min', '3 d 3 h']);
  assert.equal(formatAgo('2024-05-01T10:00:00Z', Date.parse('2024-05-01T10:03:00Z')), '3 min ago');
  assert.equal(formatTime(new Date('2024-05-01T10:00:01Z'), 'utc'), '2024-05-01 10:00:01 UTC');
  assert.equal(stepFor(0, 86_400_000), 1800);
});

test('searches in addresses', () => {
  assert.equal(searchPath({ EventName: ['A&B', 'C'] }), '/events?EventName=A%26B&EventName=C');
  assert.equal(changed(new URLSearchParams('a=1&a=2&b=3'), { a: undefined, c: ['4', '5'] }).toString(), 'b=3&c=4&c=5');
});
