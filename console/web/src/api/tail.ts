import { eventOf, type Conditions } from './events';
import { ApiError, checkSession, isAbort, queryString, requestIdOf, send } from './http';
import { linesOf } from './lines';
import type { FoundEvent } from './record';

// Server-sent events, read through fetch: unlike EventSource it tells why a stream was refused.

export interface TailHandlers {
  onEvent(event: FoundEvent): void;
  /** A part of the log could not be read; the stream goes on. */
  onDamage?(text: string): void;
  /** "waiting": the connection was lost, and is made again after a pause. */
  onState?(state: 'live' | 'waiting', error?: unknown): void;
}

const firstPause = 1_000;
const longestPause = 30_000;

/**
 * Sends events as they arrive until the signal says to stop. A lost connection is made again where it was lost, so that nothing is missed and
 * nothing comes twice. Throws what trying again cannot help: a refusal, or a search that makes no sense.
 */
export async function tailEvents(conditions: Conditions, handlers: TailHandlers, signal: AbortSignal, from = 'end'): Promise<void> {
  const params = new URLSearchParams(queryString(conditions));
  for (const name of ['limit', 'after', 'order', 'since', 'until']) params.delete(name);
  params.set('from', from);
  const url = `/_cairn/api/tail${queryString(params)}`;
  let position = '';
  let pause = firstPause;
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const headers: Record<string, string> = { Accept: 'text/event-stream' };
      if (position) headers['Last-Event-ID'] = position;
      const answer = await send(url, { signal, headers, background: attempt > 0 });
      handlers.onState?.('live');
      for await (const message of messagesOf(answer)) {
        pause = firstPause;
        if (message.id) position = message.id;
        if (message.type === 'end') break;
        if (message.type === 'error') throw new ApiError(noteOf(message.data), 'Incomplete', 200, requestIdOf(answer));
        if (message.type === 'damage') handlers.onDamage?.(noteOf(message.data));
        if (message.type === 'message' && message.data) handlers.onEvent(eventOf(JSON.parse(message.data), message.data));
      }
      handlers.onState?.('waiting');
    } catch (error) {
      if (signal.aborted || isAbort(error)) return;
      if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
      if (error instanceof ApiError && /^The stream ends because its caller/.test(error.message)) {
        // Its key was disabled, or a permission withdrawn. Only the session tells which.
        await checkSession(signal);
        throw error;
      }
      handlers.onState?.('waiting', error);
    }
    await wait(pause, signal);
    pause = Math.min(pause * 2, longestPause);
  }
}

interface Message {
  type: string;
  /** "" for a message that only moves the position on. */
  data: string;
  id?: string;
}

/** The messages of a stream, by the rules of the HTML standard as far as they are used: data has one line. */
export async function* messagesOf(answer: Response): AsyncGenerator<Message, void> {
  let message: Message = { type: 'message', data: '' };
  for await (const text of linesOf(answer, true)) {
    const line = text.replace(/\r$/, '');
    if (!line) {
      if (message.data || message.id) yield message;
      message = { type: 'message', data: '' };
      continue;
    }
    const colon = line.indexOf(':');
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    switch (colon < 0 ? line : line.slice(0, colon)) {
      case 'id':
        message.id = value;
        break;
      case 'event':
        message.type = value;
        break;
      case 'data':
        message.data = value;
    }
  }
}

/** The text of a message that is not an event: {"text":"…"}. */
function noteOf(data: string): string {
  try {
    return (JSON.parse(data) as { text?: string }).text ?? '';
  } catch {
    return data;
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
