import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '@/api/http';
import { readExport, RowCounter, type Format } from '@/components/event/download';

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** An answer in pieces of so many bytes; with "cut" the connection ends before it does. */
function answer(text: string, piece: number, headers: Record<string, string> = {}, cut = false): Response {
  const bytes = bytesOf(text);
  let at = 0;
  return new Response(
    new ReadableStream({
      pull(control) {
        if (at < bytes.length) control.enqueue(bytes.slice(at, (at += piece)));
        else if (cut) control.error(new TypeError('network error'));
        else control.close();
      },
    }),
    { headers },
  );
}

async function answering<T>(response: Response, run: () => Promise<T>): Promise<{ result: T; url: string }> {
  const before = globalThis.fetch;
  let url = '';
  globalThis.fetch = async (asked) => {
    url = String(asked);
    return response;
  };
  try {
    return { result: await run(), url };
  } finally {
    globalThis.fetch = before;
  }
}

const files: [Format, string, number][] = [
  ['csv', 'a,b\r\n1,2\r\n"x\r\ny ""quoted"", z","\'=1+1"\r\n', 2],
  ['csv', 'a,b\r\n', 0],
  ['ndjson', '{"a":"1"}\n{"b":"\\n"}\n', 2],
  ['ndjson', '', 0],
  ['json', '{"Records":[{"a":{"b":[{},{}]},"c":"}{\\"]["},{"d":[]}]}', 2],
  ['json', '{"Records":[]}', 0],
];

test('rows are counted however the file comes in pieces', () => {
  for (const [format, text, rows] of files) {
    for (let piece = 1; piece < 20; piece++) {
      const counter = new RowCounter(format);
      const bytes = bytesOf(text);
      for (let at = 0; at < bytes.length; at += piece) counter.add(bytes.slice(at, at + piece));
      assert.equal(counter.rows, rows, `${format} in pieces of ${piece}`);
      assert.equal(counter.failed, '');
    }
  }
});

test('a download has every byte, its name and what was done to cells', async () => {
  const text = files[0]![1];
  const headers = { 'Content-Disposition': 'attachment; filename="cairn-events-1.csv"', 'X-Cairn-Csv-Neutralized': 'formulas' };
  const { result, url } = await answering(answer(text, 3, headers), () => readExport(new URLSearchParams('EventName=A%26B&limit=50'), 'csv', new AbortController().signal, () => {}));
  assert.equal(url, '/_cairn/api/export?EventName=A%26B&format=csv');
  assert.equal(await result.file.text(), text);
  assert.deepEqual([result.name, result.rows, result.bytes, result.neutralized], ['cairn-events-1.csv', 2, bytesOf(text).length, 'formulas']);
});

test('a name that is not one is not taken', async () => {
  const headers = { 'Content-Disposition': 'attachment; filename="../evil<b>.csv"' };
  const { result } = await answering(answer('a\r\n', 3, headers), () => readExport(new URLSearchParams(), 'csv', new AbortController().signal, () => {}));
  assert.equal(result.name, 'cairn-events.csv');
});

test('a file that is not whole is an error, not a file', async () => {
  const incomplete: [Format, Response][] = [
    ['csv', answer('a\r\n1\r\n', 2, {}, true)],
    ['ndjson', answer('{"a":1}\n{"error":{"text":"a block is damaged"}}\n', 5)],
    ['json', answer('{"Records":[{"a":1}', 4)],
  ];
  for (const [format, response] of incomplete) {
    await answering(response, () => assert.rejects(readExport(new URLSearchParams(), format, new AbortController().signal, () => {}), (error) => error instanceof ApiError && error.code === 'Incomplete'));
  }
});

test('a record that looks like an error in NDJSON is not one unless it stands last and alone', () => {
  const counter = new RowCounter('ndjson');
  counter.add(bytesOf('{"error":{"text":"x"}}\n{"eventID":"1"}\n'));
  assert.equal(counter.failed, '');
});
