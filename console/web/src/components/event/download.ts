import { ApiError, requestIdOf, send } from '@/api/http';
import { saveFile } from '@/components/saveFile';

// A download is read as a stream, so that it can be counted and cancelled, and kept as a Blob of blocks, which browsers move to the disk: no
// part of the page holds the file as one text. It goes on while the user looks at other pages.

export type Format = 'csv' | 'json' | 'ndjson';

export interface Progress {
  format: Format;
  rows: number;
  bytes: number;
}

export interface Downloaded extends Progress {
  name: string;
  /** What the server says it did to cells that a spreadsheet would run; "" for other formats. */
  neutralized: string;
}

const blockBytes = 4 << 20;
const tellEvery = 200;

let running = false;
const listeners = new Set<() => void>();

/** There is one download at a time. */
export function isDownloading(): boolean {
  return running;
}

export function whenDownloading(changed: () => void): () => void {
  listeners.add(changed);
  return () => listeners.delete(changed);
}

/** Downloads what a search finds, and hands the file to the browser when all of it has come. */
export async function downloadEvents(conditions: URLSearchParams, format: Format, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<Downloaded> {
  if (running) throw new Error('Another download is under way.');
  setRunning(true);
  try {
    const { file, ...done } = await readExport(conditions, format, signal, onProgress);
    saveFile(file, done.name);
    return done;
  } finally {
    setRunning(false);
  }
}

/** Reads an export to its end. Throws where it was cut off. */
export async function readExport(conditions: URLSearchParams, format: Format, signal: AbortSignal, onProgress: (progress: Progress) => void): Promise<Downloaded & { file: Blob }> {
  const params = new URLSearchParams(conditions);
  params.delete('limit');
  params.set('format', format);
  const answer = await send(`/_cairn/api/export?${params}`, { signal });
  const counter = new RowCounter(format);
  const blocks: Blob[] = [];
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let waiting = 0;
  let bytes = 0;
  let told = 0;
  const reader = answer.body!.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      counter.add(value);
      bytes += value.length;
      parts.push(value);
      if ((waiting += value.length) >= blockBytes) {
        blocks.push(new Blob(parts));
        parts = [];
        waiting = 0;
      }
      if (performance.now() - told > tellEvery) {
        told = performance.now();
        onProgress({ format, rows: counter.rows, bytes });
      }
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new ApiError('The file was cut off before its end: the server stopped, a part of the log could not be read, or the session ended.', 'Incomplete', 200, requestIdOf(answer));
  } finally {
    await reader.cancel().catch(() => {});
  }
  if (counter.failed) throw new ApiError(counter.failed, 'Incomplete', 200, requestIdOf(answer));
  const file = new Blob([...blocks, ...parts], { type: answer.headers.get('Content-Type') ?? '' });
  return { format, rows: counter.rows, bytes, name: nameOf(answer, format), neutralized: answer.headers.get('X-Cairn-Csv-Neutralized') ?? '', file };
}

/** Counts the rows of a file as it comes, in whatever pieces. */
export class RowCounter {
  private count = 0;
  private quoted = false;
  private escaped = false;
  private depth = 0;
  private last: number[] = [];
  private ended = true;

  constructor(private readonly format: Format) {}

  /** Without the names of columns. */
  get rows(): number {
    return this.format === 'csv' ? Math.max(0, this.count - 1) : this.count;
  }

  /** What the last line of NDJSON, or what is missing of JSON, says about why the file is not whole. */
  get failed(): string {
    const text = new TextDecoder().decode(new Uint8Array(this.last));
    if (this.format === 'json') return this.depth === 0 && !this.quoted ? '' : 'The file was cut off before its end.';
    if (this.format !== 'ndjson' || !text.startsWith('{"error":{"text":')) return '';
    try {
      return (JSON.parse(text) as { error: { text: string } }).error.text;
    } catch {
      return 'The file could not be completed.';
    }
  }

  add(bytes: Uint8Array): void {
    if (this.format === 'json') this.addJSON(bytes);
    else this.addLines(bytes);
  }

  private addLines(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      // A doubled quote within a cell changes nothing in the end.
      if (byte === 0x22 && this.format === 'csv') this.quoted = !this.quoted;
      else if (byte === 0x0a && !this.quoted) {
        this.count++;
        this.ended = true;
      } else if (this.format === 'ndjson') {
        if (this.ended) this.last = [];
        this.ended = false;
        if (this.last.length < 4096) this.last.push(byte);
      }
    }
  }

  /** The records are the objects in the first list of the outermost object. */
  private addJSON(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (this.quoted) {
        if (this.escaped) this.escaped = false;
        else if (byte === 0x5c) this.escaped = true;
        else if (byte === 0x22) this.quoted = false;
      } else if (byte === 0x22) this.quoted = true;
      else if (byte === 0x7b || byte === 0x5b) {
        if (byte === 0x7b && this.depth === 2) this.count++;
        this.depth++;
      } else if (byte === 0x7d || byte === 0x5d) this.depth--;
    }
  }
}

function setRunning(now: boolean): void {
  running = now;
  listeners.forEach((changed) => changed());
}

/** The name that the server gives the file, if it is nothing but a name. */
function nameOf(answer: Response, format: Format): string {
  const name = /filename="([\w.-]+)"/.exec(answer.headers.get('Content-Disposition') ?? '')?.[1];
  return name ?? `cairn-events.${format}`;
}
