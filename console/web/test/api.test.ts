import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startMock } from '#dev/mock.mjs';
import { callJSON, callQuery } from '@/api/aws';
import { findEvents, findPage, getEvent, getHistogram, getValues } from '@/api/events';
import { ApiError, isAbort, queryString, whenSignedOut } from '@/api/http';
import { linesOf } from '@/api/lines';
import { listBuckets, listObjects } from '@/api/s3';
import { getSession, signIn } from '@/api/session';
import { messagesOf, tailEvents } from '@/api/tail';
import { getDeliveries, getLogFiles } from '@/api/trails';

// The client against the mock, with a cookie jar in place of the browser's.
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
after(() => server.close());

/** Answers the next calls of a function with a body of this text, in pieces of a few bytes. */
async function answering<T>(text: string, run: () => Promise<T>): Promise<T> {
  const before = globalThis.fetch;
  globalThis.fetch = async () => streamed(text);
  try {
    return await run();
  } finally {
    globalThis.fetch = before;
  }
}

function streamed(text: string): Response {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new Response(
    new ReadableStream({
      pull(control) {
        if (at >= bytes.length) control.close();
        else control.enqueue(bytes.slice(at, (at += 3)));
      },
    }),
  );
}

test('an answer that breaks off says so, and one that is given up does not', async () => {
  const broken = (error: unknown) => {
    let at = 0;
    return new Response(new ReadableStream({ pull: (control) => (at++ ? control.error(error) : control.enqueue(new TextEncoder().encode('{"damage":{}}\n'))) }), { headers: { 'X-Amzn-Requestid': 'r-1' } });
  };
  const read = async (error: unknown) => {
    for await (const _ of linesOf(broken(error)));
  };
  await assert.rejects(read(new TypeError('network error')), (error: ApiError) => error.code === 'Incomplete' && error.requestId === 'r-1');
  await assert.rejects(read(new DOMException('', 'AbortError')), isAbort);
});

test('a session is read back, and an error has its code and request ID', async () => {
  assert.equal((await getSession()).identity.type, 'Root');
  await assert.rejects(signIn({ accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' }), (error: ApiError) => {
    assert.equal(error.code, 'InvalidClientTokenId');
    assert.equal(error.status, 403);
    assert.match(error.requestId ?? '', /^[0-9a-f-]{36}$/);
    return true;
  });
});

test('pages of a search follow each other', async () => {
  const first = await findPage({ limit: 3, EventName: 'StopLogging' });
  assert.equal(first.events.length, 3);
  const second = await findPage({ limit: 3, EventName: 'StopLogging', after: first.next });
  assert.ok(second.events[0]!.seq < first.events[2]!.seq);
  const id = String(first.events[0]!.record.eventID);
  assert.deepEqual(await getEvent(id).then((found) => found.map((event) => event.seq)), [first.events[0]!.seq]);
});

test('a record keeps its text, in whatever pieces it comes', async () => {
  const raw = '{"eventID":"é\\u00e9","n":12345678901234567890,"a":{"record":1,"a":2},"a":3}';
  const line = `{"seq":7,"arrival":"2024-05-01T10:00:01Z","origin":"posted","flags":[],"record":${raw}}\n`;
  const page = await answering(`${line}{"damage":{"text":"a block"}}\n{"end":{"next":"1-2"}}\n`, () => findPage({}));
  assert.equal(page.events[0]!.raw, raw);
  assert.deepEqual([page.damage, page.next], [['a block'], '1-2']);
});

test('an answer that was cut off, or that says that it failed, is an error', async () => {
  const drain = async () => {
    for await (const item of findEvents({})) void item;
  };
  await assert.rejects(answering('', drain), { code: 'Incomplete' });
  await assert.rejects(answering('{"error":{"text":"the disk is gone"}}\n', drain), { message: 'the disk is gone' });
});

test('a search can be cancelled while it streams', async () => {
  const stop = new AbortController();
  await assert.rejects(
    async () => {
      for await (const item of findEvents({ limit: 0 }, { signal: stop.signal })) if ('event' in item) stop.abort();
    },
    { name: 'AbortError' },
  );
});

test('values and histogram', async () => {
  const { values } = await getValues({ attribute: 'EventName', prefix: 'Stop' });
  assert.deepEqual(values.map((value) => value.value), ['StopLogging']);
  const buckets = await getHistogram({ EventName: 'StopLogging', limit: 5 }, 3600);
  assert.equal(buckets.reduce((total, bucket) => total + bucket.count, 0), values[0]!.count);
});

test('server-sent events: positions, comments and notes', async () => {
  const messages = [];
  for await (const message of messagesOf(streamed(': hello\n\nid: 0-5\ndata: {"a":1}\n\n: beat\nid: 0-9\n\nevent: damage\ndata: {"text":"x"}\n\n'))) messages.push(message);
  assert.deepEqual(messages, [
    { type: 'message', data: '{"a":1}', id: '0-5' },
    { type: 'message', data: '', id: '0-9' },
    { type: 'damage', data: '{"text":"x"}' },
  ]);
});

test('a tail sends events until it is stopped', async () => {
  const stop = new AbortController();
  const seen: number[] = [];
  await tailEvents({}, { onEvent: (event) => (seen.push(event.seq), seen.length === 2 && stop.abort()) }, stop.signal);
  assert.equal(seen.length, 2);
});

test('AWS calls: JSON, query and XML', async () => {
  const { trailList } = await callJSON<{ trailList: { Name: string }[] }>('cloudtrail', 'us-east-1', 'DescribeTrails');
  assert.deepEqual(trailList.map((trail) => trail.Name), ['audit', 'broken']);
  const { Users } = await callQuery<{ Users: { UserName: string }[] }>('iam', 'us-east-1', 'ListUsers');
  assert.equal(Users[0]!.UserName, 'alice');
  assert.equal((await listBuckets('us-east-1'))[0]!.name, 'logs');
  const list = await listObjects('us-east-1', 'logs');
  assert.deepEqual([list.objects[0]!.key, list.prefixes], ['a & b<i>.json', ['AWSLogs/']]);
  await assert.rejects(listObjects('us-east-1', 'missing'), { code: 'NoSuchBucket' });
});

test('trails', async () => {
  assert.equal((await getDeliveries({ trail: 'broken' })).trails?.[0]?.problems?.[0]?.error, 'AccessDenied');
  const { files, pending } = await getLogFiles({ trail: 'audit', state: 'staged' });
  assert.deepEqual([files.length, pending?.events], [1, 2]);
});

test('the end of the session is told, but not to whoever asks for the session', async () => {
  let told = 0;
  whenSignedOut(() => told++);
  cookie = '';
  await assert.rejects(getSession(), { status: 401 });
  assert.equal(told, 0);
  await assert.rejects(getDeliveries(), { status: 401 });
  assert.equal(told, 1);
});

test('queries leave out what is not set, and repeat lists', () => {
  assert.equal(queryString({ a: undefined, b: '', c: ['x', 'y&z'], d: 0 }), '?c=x&c=y%26z&d=0');
});
