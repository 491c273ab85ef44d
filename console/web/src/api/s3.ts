import { ApiError, type CallInit, type Query, queryString, requestIdOf, send } from './http';
import { childrenOf, childText, parseXML, type XMLElement } from './xml';

// S3, path style, as the session's identity.

export interface Bucket {
  name: string;
  created: string;
}

export interface ListedObject {
  key: string;
  size: number;
  lastModified: string;
  etag: string;
}

export interface ObjectList {
  objects: ListedObject[];
  /** Common prefixes, ending in the delimiter. */
  prefixes: string[];
  /** The continuation token of the next page. */
  next?: string;
}

/** Sends one request: bucket and key are escaped here. */
export function callS3(
  region: string,
  { method = 'GET', bucket = '', key = '', query, body }: { method?: string; bucket?: string; key?: string; query?: Query; body?: BodyInit },
  init?: CallInit,
): Promise<Response> {
  const path = [bucket, ...(key ? key.split('/') : [])].map(escapeSegment).join('/');
  return send(`/aws/s3/${encodeURIComponent(region)}/${path}${flagsFirst(query)}`, { ...init, method, body });
}

export async function listBuckets(region: string, init?: CallInit): Promise<Bucket[]> {
  const root = await readXML(await callS3(region, {}, init));
  return childrenOf(childOf(root, 'Buckets'), 'Bucket').map((bucket) => ({ name: childText(bucket, 'Name'), created: childText(bucket, 'CreationDate') }));
}

export async function listObjects(
  region: string,
  bucket: string,
  { prefix, delimiter = '/', maxKeys = 100, after }: { prefix?: string; delimiter?: string; maxKeys?: number; after?: string } = {},
  init?: CallInit,
): Promise<ObjectList> {
  const query: Query = { 'list-type': 2, 'encoding-type': 'url', 'max-keys': maxKeys, prefix, delimiter, 'continuation-token': after };
  const root = await readXML(await callS3(region, { bucket, query }, init));
  // S3 asks for keys to be escaped, because XML cannot hold all that a key may.
  const encoded = childText(root, 'EncodingType') === 'url';
  const text = (value: string) => (encoded ? decodeURIComponent(value.replace(/\+/g, ' ')) : value);
  return {
    objects: childrenOf(root, 'Contents').map((object) => ({
      key: text(childText(object, 'Key')),
      size: Number(childText(object, 'Size')),
      lastModified: childText(object, 'LastModified'),
      etag: childText(object, 'ETag'),
    })),
    prefixes: childrenOf(root, 'CommonPrefixes').map((prefix) => text(childText(prefix, 'Prefix'))),
    next: childText(root, 'IsTruncated') === 'true' ? childText(root, 'NextContinuationToken') : undefined,
  };
}

/** Reads an object of at most so many bytes as text; one whose name ends in .gz is unpacked. */
export async function getObjectText(region: string, bucket: string, key: string, maxBytes = 64 << 20, init?: CallInit): Promise<string> {
  const answer = await callS3(region, { bucket, key }, init);
  if (!answer.body) return '';
  // The server gives objects as they were put; where one has a Content-Encoding, the browser has unpacked it.
  const packed = key.endsWith('.gz') && answer.headers.get('Content-Encoding') === null;
  const stream = packed ? answer.body.pipeThrough(new DecompressionStream('gzip')) : answer.body;
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  for (;;) {
    const { value, done } = await reader.read().catch((error: unknown) => {
      throw new ApiError(`The object cannot be read: ${error instanceof Error ? error.message : String(error)}`, 'InvalidObject', 200, requestIdOf(answer));
    });
    if (done) break;
    size += value.length;
    if (size > maxBytes) {
      await reader.cancel();
      throw new ApiError(`The object unpacks to more than ${maxBytes >> 20} MiB. Download it instead.`, 'EntityTooLarge', 200, requestIdOf(answer));
    }
    parts.push(value);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return new TextDecoder().decode(bytes);
}

async function readXML(answer: Response): Promise<XMLElement> {
  try {
    return parseXML(await answer.text());
  } catch (error) {
    throw new ApiError(`The answer cannot be read: ${error instanceof Error ? error.message : String(error)}`, 'InvalidAnswer', answer.status, requestIdOf(answer));
  }
}

function childOf(element: XMLElement, name: string): XMLElement {
  return childrenOf(element, name)[0] ?? { name, text: '', children: [] };
}

/** Sub-resources such as ?policy are given as { policy: true }, and have no value in the address. */
function flagsFirst(query: Query | undefined): string {
  if (!query) return '';
  const flags = Object.entries(query).filter(([, value]) => value === true);
  const rest = queryString(Object.fromEntries(Object.entries(query).filter(([, value]) => value !== true)));
  return flags.length ? `?${flags.map(([name]) => encodeURIComponent(name)).join('&')}${rest.replace('?', '&')}` : rest;
}

/** encodeURIComponent, and what it leaves: a segment of dots would be taken out of the path by the browser, however it is escaped. */
function escapeSegment(segment: string): string {
  if (segment === '.' || segment === '..') throw new ApiError('A browser cannot ask for a key with a part of dots. Use the aws command line.', 'InvalidKey', 0);
  return encodeURIComponent(segment).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
