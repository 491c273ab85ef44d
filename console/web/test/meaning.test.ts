import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventQuery, Operator, Token } from '@/components/event/query';
import { summarize } from '@/api/record';
import { cairnCommand } from '@/components/useCairn';
import { meaningOf, suggestionsFor, withSuggestion, type Lookup } from '@/pages/events/meaning';

const t = (propertyKey: string, operator: Operator, value: string): Token => ({ propertyKey, operator, value });
const all = (...tokens: EventQuery['tokens']): EventQuery => ({ operation: 'and', tokens });

const there: Record<string, Record<string, number>> = {
  Username: { 'bert-jan': 60, alice: 3, 'stopper*': 1 },
  EventName: { StopLogging: 2, StopInstances: 7, alice: 1 },
  EventSource: { 'cloudtrail.amazonaws.com': 2 },
  sourceIPAddress: { '192.0.2.1': 9 },
};
const lookup: Lookup = async (attribute, prefix, limit) =>
  Object.entries(there[attribute] ?? {})
    .filter(([value]) => value.startsWith(prefix))
    .map(([value, count]) => ({ value, count }))
    .slice(0, limit);

test('a value without a property is of the property that has it', async () => {
  assert.deepEqual(await meaningOf('bert-jan', '=', lookup), t('Username', '=', 'bert-jan'));
  assert.deepEqual(await meaningOf(' bert', '=', lookup), t('Username', '^', 'bert'));
  assert.deepEqual(await meaningOf('StopL', '!=', lookup), t('EventName', '!^', 'StopL'));
  assert.deepEqual(await meaningOf('Stop*', '=', lookup), t('EventName', '^', 'Stop'));
  assert.deepEqual(await meaningOf('alice', '=', lookup), { operation: 'or', tokens: [t('Username', '=', 'alice'), t('EventName', '=', 'alice')] });
  assert.deepEqual(await meaningOf('alice', '!=', lookup), { operation: 'and', tokens: [t('Username', '!=', 'alice'), t('EventName', '!=', 'alice')] });
  assert.deepEqual(await meaningOf('cloudtrail', '=', lookup), t('EventSource', '^', 'cloudtrail'));
});

test('a value that nothing has is looked for in four properties, also where values do not come', async () => {
  const anywhere = { operation: 'or', tokens: ['Username', 'EventName', 'EventSource', 'sourceIPAddress'].map((key) => t(key, '^', 'nobody')) };
  assert.deepEqual(await meaningOf('nobody', '=', lookup), anywhere);
  assert.deepEqual(await meaningOf('nobody', '=', () => Promise.reject(new Error('away'))), anywhere);
});

test('what says its property is not looked for', async () => {
  const never: Lookup = () => assert.fail('asked for values');
  assert.deepEqual(await meaningOf('eventName=StopLogging', '=', never), t('EventName', '=', 'StopLogging'));
  assert.deepEqual(await meaningOf('192.0.2.1', '=', never), t('sourceIPAddress', '=', '192.0.2.1'));
  assert.equal(await meaningOf('  ', '=', never), undefined);
});

test('values that are written otherwise are suggested', async () => {
  assert.deepEqual(await suggestionsFor(all(t('EventName', '^', 'stoplogg')), lookup), [{ token: t('EventName', '=', 'StopLogging'), count: 2 }]);
  const anywhere = { operation: 'or' as const, tokens: ['Username', 'EventName', 'EventSource', 'sourceIPAddress'].map((key) => t(key, '^', 'STOP')) };
  assert.deepEqual(
    (await suggestionsFor(all(t('ReadOnly', '=', 'false'), anywhere), lookup)).map(({ token }) => token),
    [t('EventName', '=', 'StopInstances'), t('EventName', '=', 'StopLogging'), t('Username', '=', 'stopper\\*')],
  );
  assert.deepEqual(await suggestionsFor(all(t('EventName', '!=', 'stoplogging'), t('path.x', '=', 'alice')), lookup), []);
  assert.deepEqual(withSuggestion(all(t('ReadOnly', '=', 'false'), anywhere), t('EventName', '=', 'StopLogging')), all(t('ReadOnly', '=', 'false'), t('EventName', '=', 'StopLogging')));
  assert.deepEqual(withSuggestion({ operation: 'or', tokens: anywhere.tokens }, t('EventName', '=', 'StopLogging')), all(t('EventName', '=', 'StopLogging')));
});

test('a console sign-in without an error code can have failed', () => {
  const login = { eventSource: 'signin.amazonaws.com', eventName: 'ConsoleLogin' };
  assert.equal(summarize({ ...login, responseElements: { ConsoleLogin: 'Failure' } }).failure, 'Failure');
  assert.equal(summarize({ ...login, errorMessage: 'Failed authentication' }).failure, 'Failure');
  assert.equal(summarize({ ...login, responseElements: { ConsoleLogin: 'Success' } }).failure, '');
  assert.equal(summarize({ eventSource: 's3.amazonaws.com', errorCode: 'AccessDenied' }).failure, 'AccessDenied');
  assert.equal(summarize({ eventSource: 's3.amazonaws.com', errorMessage: 'a note' }).failure, '');
});

test('a command names a data directory that is not called as by default', () => {
  assert.equal(cairnCommand('import ./AWSLogs', '/srv/cairn-data'), 'cairn import ./AWSLogs');
  assert.equal(cairnCommand('import ./AWSLogs', '/srv/audit'), 'cairn import ./AWSLogs --data /srv/audit');
  assert.equal(cairnCommand('demo', "/srv/it's; rm"), "cairn demo --data '/srv/it'\\''s; rm'");
});
