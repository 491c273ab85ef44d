import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteUser, listUsers, timeOf } from '@/api/iam';
import type { Overview } from '@/api/overview';
import { isDenied } from '@/components/LoadError';
import { ApiError } from '@/api/http';
import { literal } from '@/components/event/query';
import { roundUp } from '@/components/scale';
import { lowDisk, nothingYet } from '@/pages/dashboard/state';

const sources = (complete: boolean, ...names: string[]): Pick<Overview, 'top'> => ({ top: { EventSource: { complete, values: names.map((value) => ({ value, count: 1 })) } } });

test('what the console does itself is no event yet', () => {
  assert.equal(nothingYet(sources(true)), true);
  assert.equal(nothingYet(sources(true, 'cairn.amazonaws.com', 'signin.amazonaws.com')), true);
  assert.equal(nothingYet(sources(true, 'cairn.amazonaws.com', 's3.amazonaws.com')), false);
  assert.equal(nothingYet(sources(false, 'cairn.amazonaws.com')), false, 'not all sources are known');
  assert.equal(nothingYet({ top: {} }), false);
});

test('a value with a star is searched for as it is', () => {
  assert.equal(literal('a*'), 'a\\*');
  assert.equal(literal('a*b'), 'a*b');
  assert.equal(literal('*'), '\\*');
});

test('the scale of a chart ends above its bars and has a whole half', () => {
  for (let n = 1; n < 20_000; n += 7) {
    const top = roundUp(n);
    assert.ok(top >= n && top <= Math.max(2, n * 2.5) && top % 2 === 0, `${n} gives ${top}`);
  }
});

test('a disk is nearly full below ten times the reserve', () => {
  assert.equal(lowDisk({ freeBytes: 9, reserveBytes: 1 }), true);
  assert.equal(lowDisk({ freeBytes: 10, reserveBytes: 1 }), false);
  assert.equal(lowDisk({ reserveBytes: 1 }), false, 'it cannot be told');
});

test('a refusal for want of a permission is told from a failure', () => {
  assert.equal(isDenied(new ApiError('no', 'AccessDeniedException', 400)), true);
  assert.equal(isDenied(new ApiError('no', 'AccessDenied', 403)), true);
  assert.equal(isDenied(new ApiError('no', 'ServiceUnavailable', 503)), false);
  assert.equal(isDenied(new Error('AccessDenied')), false);
});

/** Runs with answers to the operations of IAM, and gives the calls that were made. */
async function withIAM(answers: Record<string, (form: URLSearchParams) => object | ApiError>, run: () => Promise<unknown>): Promise<string[]> {
  const before = globalThis.fetch;
  const calls: string[] = [];
  globalThis.fetch = async (_, init) => {
    const form = new URLSearchParams(String(init?.body));
    const operation = form.get('Action')!;
    calls.push([operation, form.get('AccessKeyId') ?? form.get('PolicyArn') ?? form.get('PolicyName') ?? form.get('GroupName') ?? form.get('Marker')].filter(Boolean).join(' '));
    const answer = answers[operation]?.(form) ?? {};
    if (answer instanceof ApiError) return new Response(JSON.stringify({ Error: { Code: answer.code, Message: answer.message } }), { status: answer.status });
    return new Response(JSON.stringify({ [`${operation}Response`]: { [`${operation}Result`]: answer } }));
  };
  try {
    await run();
  } finally {
    globalThis.fetch = before;
  }
  return calls;
}

const belongings = {
  ListAccessKeys: () => ({ AccessKeyMetadata: [{ AccessKeyId: 'AKIA1' }] }),
  ListAttachedUserPolicies: () => ({ AttachedPolicies: [{ PolicyName: 'p', PolicyArn: 'arn:p' }] }),
  ListUserPolicies: () => ({ PolicyNames: ['inline'] }),
  ListGroupsForUser: () => ({ Groups: [{ GroupName: 'g' }] }),
};

test('a user is deleted after all that it has, and not if that is refused', async () => {
  const calls = await withIAM(belongings, () => deleteUser('kit'));
  assert.deepEqual(
    calls.filter((call) => !call.startsWith('List')),
    ['DeleteAccessKey AKIA1', 'DetachUserPolicy arn:p', 'DeleteUserPolicy inline', 'RemoveUserFromGroup g', 'DeleteUser'],
  );
  const refused = await withIAM({ ...belongings, DetachUserPolicy: () => new ApiError('no', 'AccessDenied', 403) }, () => assert.rejects(deleteUser('kit'), { code: 'AccessDenied' }));
  assert.equal(refused.includes('DeleteUser'), false);
});

test('all pages of users are read', async () => {
  let users: { UserName: string }[] = [];
  const calls = await withIAM(
    { ListUsers: (form) => (form.get('Marker') ? { Users: [{ UserName: 'b' }], IsTruncated: false } : { Users: [{ UserName: 'a' }], IsTruncated: true, Marker: 'm' }) },
    async () => (users = await listUsers()),
  );
  assert.deepEqual(users.map((user) => user.UserName), ['a', 'b']);
  assert.deepEqual(calls, ['ListUsers', 'ListUsers m']);
  assert.equal(timeOf(undefined), undefined);
  assert.equal(timeOf(1)?.toISOString(), '1970-01-01T00:00:01.000Z');
});
