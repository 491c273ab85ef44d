// A stand-in for the console's server: the contract of src/api with made-up data in memory, and the built pages under the policy
// that the real server sends. `npm run mock` for `npm run dev` (port 4599), and dev/shots.mjs.
//
//   node dev/mock.mjs [--port 4599] [--pages build]
//
// Any access key signs in; one that begins with AKIANOBODY does not, one that begins with AKIAREADER is not an operator. The link
// "good" signs in. DELETE /mock/session ends all sessions, as an idle time-out does.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import * as events from './mockevents.mjs';
import { aws } from './mockaws.mjs';
import { trailDryRun, trailFiles, trailRedeliver, trailStatus, trailVerify, trailWhy } from './mocktrails.mjs';
import { overview, settings } from './mocksettings.mjs';
import { timeline } from './mocktimeline.mjs';

export const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; frame-ancestors 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'";

const regions = ['us-east-1', 'eu-west-1', 'eu-central-1', 'ap-southeast-2'];
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

/** Starts the server, and gives its address. */
export function startMock({ port = 0, pages } = {}) {
  const sessions = new Map();
  const server = createServer((request, answer) => {
    handle(request, answer, sessions, pages).catch((error) => {
      if (answer.headersSent) answer.destroy();
      else refuse(answer, error.status ?? 500, error.code ?? 'ServiceUnavailable', error.message);
    });
  });
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => resolve({ url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() }));
  });
}

async function handle(request, answer, sessions, pages) {
  const url = new URL(request.url, 'http://mock');
  answer.setHeader('X-Amzn-Requestid', randomUUID());
  if (url.pathname === '/mock/session') {
    sessions.clear();
    return json(answer, {});
  }
  const token = /cairn-console=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1];
  const session = sessions.get(token);
  if (url.pathname === '/session') return handleSession(request, answer, sessions, token, session);
  const isCall = url.pathname.startsWith('/_cairn/') || url.pathname.startsWith('/aws/');
  if (!isCall) return page(url, answer, pages);
  if (!session) return refuse(answer, 401, 'NotSignedIn', 'The session has ended. Sign in again.');
  if (url.pathname.startsWith('/aws/')) return aws(request, answer, url, session, await body(request), { json, refuse });
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /_cairn/api/events':
      return events.find(answer, url.searchParams, request);
    case 'GET /_cairn/api/export':
      return events.download(answer, url.searchParams, request);
    case 'GET /_cairn/api/tail':
      return events.tail(answer, url.searchParams, request);
    case 'GET /_cairn/api/values':
      return json(answer, events.values(url.searchParams));
    case 'GET /_cairn/api/histogram':
      return json(answer, events.histogram(url.searchParams));
    case 'GET /_cairn/api/timeline':
      return json(answer, timeline(url.searchParams));
    case 'GET /_cairn/api/overview':
      return json(answer, overview(url.searchParams, session));
    case 'GET /_cairn/api/settings':
      return json(answer, settings(session));
    case 'GET /_cairn/api/trails':
      return json(answer, trailStatus(url.searchParams));
    case 'GET /_cairn/api/trails/files':
      return lines(answer, trailFiles(url.searchParams));
    case 'GET /_cairn/api/trails/why':
      return json(answer, trailWhy(url.searchParams));
    case 'POST /_cairn/api/trails/dry-run':
      return lines(answer, trailDryRun());
    case 'POST /_cairn/api/trails/verify':
      return lines(answer, trailVerify(JSON.parse(await body(request))));
    case 'POST /_cairn/api/trails/redeliver':
      return lines(answer, trailRedeliver());
  }
  refuse(answer, 404, 'UnknownOperationException', `The mock has no ${request.method} ${url.pathname}.`);
}

async function handleSession(request, answer, sessions, token, session) {
  if (request.method === 'GET' && session) return json(answer, session);
  if (request.method === 'GET') return refuse(answer, 401, 'NotSignedIn', 'Nobody is signed in.');
  if (request.method === 'DELETE') {
    sessions.delete(token);
    return json(answer, {});
  }
  const input = JSON.parse(await body(request));
  if (request.method === 'PATCH') {
    if (!session) return refuse(answer, 401, 'NotSignedIn', 'The session has ended. Sign in again.');
    if (!regions.includes(input.region)) return refuse(answer, 400, 'ValidationException', 'There is no such region.');
    session.region = input.region;
    return json(answer, session);
  }
  if (input.link !== undefined && input.link !== 'good') return refuse(answer, 403, 'AccessDeniedException', 'The link was used already, or it is older than ten minutes.');
  if (input.accessKeyId?.startsWith('AKIANOBODY')) return refuse(answer, 403, 'InvalidClientTokenId', 'The security token included in the request is invalid.');
  const reader = input.accessKeyId?.startsWith('AKIAREADER');
  const made = {
    identity: reader
      ? { type: 'IAMUser', arn: 'arn:aws:iam::111122223333:user/reader', accountId: '111122223333', userName: 'reader', principalId: 'AIDAREADER', operator: false }
      : { type: 'Root', arn: 'arn:aws:iam::111122223333:root', accountId: '111122223333', principalId: '111122223333', operator: true },
    region: input.region || 'us-east-1',
    regions,
    version: '0.6.0',
    idleSeconds: 3600,
    dev: false,
    signedIn: true,
  };
  const id = randomUUID();
  sessions.set(id, made);
  answer.setHeader('Set-Cookie', `cairn-console=${id}; HttpOnly; SameSite=Strict; Path=/`);
  json(answer, made);
}

async function page(url, answer, pages) {
  if (!pages) return refuse(answer, 404, 'NotFound', 'No pages here: use the address that npm run dev prints.');
  let path = normalize(url.pathname);
  if (!extname(path)) path = '/index.html';
  const bytes = await readFile(join(pages, path)).catch(() => undefined);
  if (!bytes) return refuse(answer, 404, 'NotFound', `There is no ${path}.`);
  answer.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream', 'Content-Security-Policy': policy, 'X-Content-Type-Options': 'nosniff' });
  answer.end(bytes);
}

function body(request) {
  return new Promise((resolve, reject) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => resolve(Buffer.concat(parts).toString()));
    request.on('error', reject);
  });
}

function json(answer, value, status = 200) {
  answer.writeHead(status, { 'Content-Type': 'application/json' });
  answer.end(JSON.stringify(value));
}

function lines(answer, values) {
  answer.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  answer.end(values.map((value) => JSON.stringify(value) + '\n').join(''));
}

function refuse(answer, status, code, message) {
  answer.setHeader('X-Amzn-Errortype', code);
  json(answer, { __type: code, message }, status);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const option = (name, otherwise) => {
    const at = process.argv.indexOf(name);
    return at < 0 ? otherwise : process.argv[at + 1];
  };
  const { url } = await startMock({ port: Number(option('--port', '4599')), pages: option('--pages') });
  console.log(`mock of the console's server at ${url}`);
}
