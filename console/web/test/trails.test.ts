import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AdvancedEventSelector, EventSelector } from '@/api/cloudtrail';
import { aliasFault, bucketNameFault, defaultBucket, prefixFault, topicFault, trailNameFault } from '@/pages/trails/names';
import { bucketStatements, mergePolicy, policyText } from '@/pages/trails/policies';
import { asAdvanced, asBasic, defaultForm, faultsOf, fromAPI, insightFaults, isDefault, sameSelectors, type SelectorForm, toAPI } from '@/pages/trails/selectorForm';
import { aws, quote } from '@/pages/trails/shell';
import { attributeFaults, formOf, newForm } from '@/pages/trails/trailForm';
import { planOf, type Place } from '@/pages/trails/trailPlan';

const place: Place = { region: 'eu-west-1', account: '111122223333', elsewhere: false };
const management = (changes: Partial<SelectorForm['management']>): SelectorForm => ({ ...defaultForm(), management: { ...defaultForm().management, ...changes } });

test('names are held to the rules of CloudTrail', () => {
  for (const good of ['abc', 'a.b', 'my-trail_1', 'A1b', '1.2.3.256', 'x'.repeat(128)]) assert.equal(trailNameFault(good), '', good);
  for (const bad of ['', 'ab', 'x'.repeat(129), '-abc', 'abc.', 'a..b', 'a-_b', 'a b', 'café', '192.168.5.4', 'a/b', '<b>']) assert.notEqual(trailNameFault(bad), '', bad);
  for (const good of ['logs', 'a.b-c', '1-2', 'x'.repeat(63)]) assert.equal(bucketNameFault(good), '', good);
  for (const bad of ['ab', 'Logs', 'a..b', '-ab', 'ab-', 'a_b', '10.0.0.1', 'x'.repeat(64)]) assert.notEqual(bucketNameFault(bad), '', bad);
  assert.equal(prefixFault(''), '');
  assert.equal(prefixFault('a/b ü'), '');
  for (const bad of ['x'.repeat(201), 'a\u0001', '/a', 'a/']) assert.notEqual(prefixFault(bad), '', bad);
  assert.equal(topicFault('files'), '');
  assert.equal(topicFault('arn:aws:sns:us-east-1:111122223333:files'), '');
  for (const bad of ['', 'a b', 'x.fifo', 'arn:aws:sqs:us-east-1:111122223333:q', 'arn:aws:sns::111122223333:a', 'x'.repeat(257)]) assert.notEqual(topicFault(bad), '', bad);
  assert.equal(aliasFault('cairn-trail-a'), '');
  assert.notEqual(aliasFault('aws/s3'), '');
  assert.equal(defaultBucket('111122223333', 'My.Trail_'), 'cairn-111122223333-my-trail');
});

test('a new trail takes all management events, as without selectors', () => {
  assert.deepEqual(toAPI(defaultForm()), {
    EventSelectors: [{ ReadWriteType: 'All', IncludeManagementEvents: true, DataResources: [], ExcludeManagementEventSources: [] }],
  });
  assert.ok(isDefault(defaultForm()));
  assert.ok(!isDefault(management({ excludeKMS: true })));
  assert.deepEqual(fromAPI({}), defaultForm());
});

test('basic choices become event selectors, one for each kind of access', () => {
  const form: SelectorForm = {
    ...management({ read: false, excludeRDS: true }),
    basic: [
      { type: 'AWS::S3::Object', read: false, write: true, all: true, values: [] },
      { type: 'AWS::Lambda::Function', read: true, write: true, all: false, values: ['arn:aws:lambda:us-east-1:111122223333:function:f'] },
    ],
  };
  assert.deepEqual(toAPI(form).EventSelectors, [
    { ReadWriteType: 'WriteOnly', IncludeManagementEvents: true, DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3'] }], ExcludeManagementEventSources: ['rdsdata.amazonaws.com'] },
    {
      ReadWriteType: 'All', IncludeManagementEvents: false, ExcludeManagementEventSources: [],
      DataResources: [{ Type: 'AWS::Lambda::Function', Values: ['arn:aws:lambda:us-east-1:111122223333:function:f'] }],
    },
  ]);
  assert.deepEqual(fromAPI(toAPI(form)), form);
  assert.deepEqual(faultsOf(form), []);
});

test('selectors that CloudTrail tells come back as they were', () => {
  const basics: EventSelector[][] = [
    [{ ReadWriteType: 'ReadOnly' }],
    [{ IncludeManagementEvents: false, DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3:::b/x', 'arn:aws:s3:::'] }] }],
    [{ DataResources: [{ Type: 'AWS::DynamoDB::Table', Values: [] }] }],
  ];
  for (const EventSelectors of basics) assert.ok(sameSelectors(toAPI(fromAPI({ EventSelectors })), { EventSelectors }), JSON.stringify(EventSelectors));
  const advanced: AdvancedEventSelector[] = [
    { Name: 'm', FieldSelectors: [{ Field: 'eventCategory', Equals: ['Management'] }, { Field: 'readOnly', Equals: ['false'] }, { Field: 'eventSource', NotEquals: ['kms.amazonaws.com'] }] },
    { FieldSelectors: [{ Field: 'eventCategory', Equals: ['Management'] }, { Field: 'readOnly', Equals: ['true'] }] },
    {
      Name: 'objects',
      FieldSelectors: [
        { Field: 'eventCategory', Equals: ['Data'] },
        { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
        { Field: 'resources.ARN', StartsWith: ['arn:aws:s3:::'], NotStartsWith: ['arn:aws:s3:::logs/'] },
        { Field: 'eventName', Equals: ['GetObject', 'PutObject'] },
      ],
    },
    { FieldSelectors: [{ Field: 'eventCategory', Equals: ['NetworkActivity'] }, { Field: 'eventSource', Equals: ['kms.amazonaws.com'] }] },
  ];
  const form = fromAPI({ AdvancedEventSelectors: advanced });
  assert.equal(form.management.excludeKMS, true);
  assert.equal(form.management.read, false);
  assert.equal(form.advanced.length, 3);
  assert.deepEqual(toAPI(form).AdvancedEventSelectors, advanced);
  assert.deepEqual(faultsOf(form), []);
});

test('what basic choices cannot show is shown as advanced selectors that take the same events', () => {
  const form = fromAPI({ EventSelectors: [{ ReadWriteType: 'ReadOnly', ExcludeManagementEventSources: ['kms.amazonaws.com'] }, { ReadWriteType: 'WriteOnly' }] });
  assert.equal(form.kind, 'advanced');
  assert.deepEqual(
    toAPI(form).AdvancedEventSelectors!.map(({ FieldSelectors }) => FieldSelectors.slice(1)),
    [[{ Field: 'readOnly', Equals: ['true'] }, { Field: 'eventSource', NotEquals: ['kms.amazonaws.com'] }], [{ Field: 'readOnly', Equals: ['false'] }]],
  );
});

test('basic choices become conditions and come back, where they can', () => {
  const form: SelectorForm = { ...defaultForm(), basic: [{ type: 'AWS::S3::Object', read: true, write: false, all: false, values: ['arn:aws:s3:::b/x'] }] };
  const advanced = asAdvanced(form);
  assert.deepEqual(toAPI(advanced).AdvancedEventSelectors![1]!.FieldSelectors, [
    { Field: 'eventCategory', Equals: ['Data'] },
    { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
    { Field: 'readOnly', Equals: ['true'] },
    { Field: 'resources.ARN', StartsWith: ['arn:aws:s3:::b/x'] },
  ]);
  assert.deepEqual(asBasic(advanced), form);
  advanced.advanced[0]!.conditions.push({ field: 'eventName', operator: 'Equals', values: ['GetObject'] });
  assert.equal(asBasic(advanced), undefined);
});

test('selectors that the server would refuse are refused before', () => {
  const texts = (form: SelectorForm) => faultsOf(form).map(({ text }) => text).join(' ');
  assert.match(texts(management({ on: false })), /at least one type/);
  assert.match(texts(management({ read: false, write: false })), /read, that write/);
  const basic = (changes: object): SelectorForm => ({ ...defaultForm(), basic: [{ type: 'AWS::S3::Object', read: true, write: true, all: false, values: [], ...changes }] });
  assert.match(texts(basic({})), /at least one/);
  for (const bad of ['arn:aws:s3:::bucket', 'bucket/x', 'arn:aws:s3:::*/x']) assert.match(texts(basic({ values: [bad] })), /does not have the form/, bad);
  assert.match(texts(basic({ type: 'AWS::Lambda::Function', values: ['arn:aws:lambda:us-east-1:111122223333:function:*'] })), /form/);
  assert.match(texts(basic({ values: Array.from({ length: 251 }, (_, i) => `arn:aws:s3:::b${i}/`) })), /250/);

  const advanced = (...conditions: SelectorForm['advanced'][0]['conditions']): SelectorForm => ({
    ...defaultForm(), kind: 'advanced', advanced: [{ name: '', category: 'Data', conditions: [{ field: 'resources.type', operator: 'Equals', values: ['AWS::S3::Object'] }, ...conditions] }],
  });
  assert.equal(texts(advanced({ field: 'eventName', operator: 'NotEndsWith', values: ['x'] })), '');
  assert.match(texts(advanced({ field: 'readOnly', operator: 'NotEquals', values: ['true'] })), /compared/);
  assert.match(texts(advanced({ field: 'readOnly', operator: 'Equals', values: ['yes'] })), /true or false/);
  assert.match(texts(advanced({ field: 'readOnly', operator: 'Equals', values: ['true', 'false'] })), /exactly one/);
  assert.match(texts(advanced({ field: 'eventName', operator: 'Equals', values: [] })), /at least one value/);
  assert.match(texts(advanced({ field: 'eventName', operator: 'Equals', values: ['a\nb'] })), /one line/);
  assert.match(texts(advanced({ field: 'errorCode', operator: 'Equals', values: ['x'] })), /not a field/);
  assert.match(texts(advanced({ field: 'toString', operator: 'Equals', values: ['x'] })), /not a field/);
  assert.match(texts(advanced({ field: 'eventName', operator: 'Equals', values: Array.from({ length: 500 }, (_, i) => `n${i}`) })), /500 values/);
  assert.match(texts({ ...advanced(), advanced: [{ name: 'x'.repeat(1001), category: 'NetworkActivity', conditions: [] }] }), /1000 characters.*eventSource is required/);
});

test('Insights need the events that they are computed from', () => {
  const rate = { InsightType: 'ApiCallRateInsight' };
  const errors = { InsightType: 'ApiErrorRateInsight' };
  assert.equal(insightFaults(defaultForm(), [rate, errors]).length, 0);
  assert.equal(insightFaults(management({ write: false }), [rate, errors]).length, 1);
  assert.equal(insightFaults(management({ on: false }), [rate, errors]).length, 2);
});

test('a policy gets what it lacks, and keeps what it has', () => {
  const needed = bucketStatements('arn:aws:cloudtrail:us-east-1:111122223333:trail/a', '111122223333', 'logs', 'p');
  assert.equal(needed[1]!.Resource, 'arn:aws:s3:::logs/p/AWSLogs/111122223333/*');
  assert.deepEqual(mergePolicy('', needed), { policy: policyText(needed), added: 3 });
  assert.equal(mergePolicy(policyText(needed), needed).added, 0);
  const other = { Sid: 'CairnTrailWrite', Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*' };
  const merged = JSON.parse(mergePolicy(JSON.stringify({ Version: '2012-10-17', Id: 'x', Statement: other }), needed).policy) as { Id: string; Statement: { Sid: string }[] };
  assert.equal(merged.Id, 'x');
  assert.deepEqual(merged.Statement.map(({ Sid }) => Sid), ['CairnTrailWrite', 'CairnTrailAclCheck', 'CairnTrailWrite2', 'CairnTrailCompare']);
  assert.throws(() => mergePolicy('[]', needed));
  assert.throws(() => mergePolicy('{', needed));
});

test('commands are quoted for the shell', () => {
  assert.deepEqual(['a-b/c:1', "it's", '$(x) `y`', 'a\nb\u001b\u202e\'', ''].map(quote), ['a-b/c:1', `'it'\\''s'`, "'$(x) `y`'", `$'a\\nb\\u001b\\u202e\\''`, "''"]);
  assert.equal(aws('cloudtrail', 'create-trail', 'us-east-1', { name: 'a', a: true, b: false, c: undefined, d: '' }), "aws cloudtrail create-trail --region us-east-1 --name a --a --no-b --d ''");
});

test('a plan has only what is to be done', () => {
  const titles = (...args: Parameters<typeof planOf>) => planOf(...args).map(({ title }) => title);
  const form = { ...newForm(), name: 'audit' };
  assert.deepEqual(attributeFaults(form, place.account), {});
  assert.deepEqual(titles(form, place), ['Make the bucket cairn-111122223333-audit', 'Make trail audit', 'Start logging']);
  assert.deepEqual(titles({ ...form, bucket: 'there' }, { ...place, elsewhere: true }), ['Make trail audit', 'Start logging']);
  const commands = planOf({ ...form, selectors: management({ write: false }), tags: [{ Key: 'a', Value: 'b c' }], start: false }, place).flatMap((step) => step.commands);
  assert.equal(commands[0], 'aws s3api create-bucket --region eu-west-1 --bucket cairn-111122223333-audit --create-bucket-configuration LocationConstraint=eu-west-1');
  assert.match(commands[2]!, /^aws cloudtrail create-trail --region eu-west-1 --name audit .*--is-multi-region-trail --enable-log-file-validation --tags-list '\[\{"Key":"a","Value":"b c"\}\]'$/);
  assert.match(commands[3]!, /put-event-selectors .*"ReadWriteType":"ReadOnly"/);

  const edited = {
    trail: { Name: 'audit', TrailARN: 'arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit', HomeRegion: 'eu-west-1', S3BucketName: 'logs', IsMultiRegionTrail: true, IncludeGlobalServiceEvents: true },
    tags: [{ Key: 'a', Value: '1' }, { Key: 'b', Value: '2' }], selectors: toAPI(defaultForm()), insights: [],
  };
  const same = formOf(edited);
  assert.deepEqual(titles(same, place, edited), []);
  const changed = planOf({ ...same, validation: true, prefix: 'p', tags: [{ Key: 'a', Value: '3' }], insights: [{ InsightType: 'ApiCallRateInsight' }] }, place, edited);
  assert.deepEqual(changed.map(({ title }) => title), ['Change trail audit', 'Switch Insights on', 'Set tags', 'Remove tags']);
  assert.equal(changed[0]!.commands[0], 'aws cloudtrail update-trail --region eu-west-1 --name audit --s3-key-prefix p --enable-log-file-validation');
});
