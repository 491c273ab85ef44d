// Every call of the console goes through here: same origin, cookie session, errors as ApiError.

/** A call that did not succeed, with what the user can quote: the code and the ID of the request. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    message: string,
    readonly code: string,
    /** The HTTP status; 0 when no answer came. */
    readonly status: number,
    readonly requestId?: string,
  ) {
    super(message);
  }
}

/** Whether an error only says that the caller gave up. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

export type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

/** The query string of what is defined, "" or with a leading question mark. Lists repeat the parameter. */
export function queryString(query: Query | URLSearchParams | undefined): string {
  if (!query) return '';
  const params = query instanceof URLSearchParams ? query : new URLSearchParams();
  if (!(query instanceof URLSearchParams)) {
    for (const [name, value] of Object.entries(query)) {
      if (value === undefined || value === '') continue;
      for (const one of Array.isArray(value) ? value : [value]) params.append(name, String(one));
    }
  }
  const text = params.toString();
  return text && `?${text}`;
}

let onSignedOut: () => void = () => {};
let lastAnswer = Date.now();

/** Tells whom to call when an answer says that the session is over. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

/** When the server last answered a call that somebody asked for, in milliseconds since 1970: what the idle time-out counts from. */
export function lastAnswerAt(): number {
  return lastAnswer;
}

export interface CallInit extends Omit<RequestInit, 'headers'> {
  headers?: Record<string, string>;
  /** Nobody asked for this call: it was made by a timer. It does not keep an idle session alive. */
  background?: boolean;
}

/** fetch, but an answer outside 200–299 is thrown as an ApiError. The body of a good answer is not read yet. */
export async function send(url: string, { background = false, ...init }: CallInit = {}): Promise<Response> {
  const headers = background ? { ...init.headers, 'X-Cairn-Background': '1' } : init.headers;
  let answer: Response;
  try {
    answer = await fetch(url, { credentials: 'same-origin', redirect: 'error', cache: 'no-store', ...init, headers });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new ApiError('The server did not answer. Is it running, and is the connection to it open?', 'NetworkError', 0);
  }
  if (!background) lastAnswer = Date.now();
  if (answer.ok) return answer;
  const error = await errorOf(answer);
  // Whoever asks for the session itself, or makes one, deals with the answer.
  if (answer.status === 401 && (url !== '/session' || init.method === 'PATCH')) onSignedOut();
  throw error;
}

/** Asks whether the session still is, and leads to its end where it is over. */
export async function checkSession(signal: AbortSignal): Promise<void> {
  try {
    await send('/session', { signal, background: true });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) onSignedOut();
  }
}

/** Calls and reads a JSON answer. */
export async function getJSON<T>(url: string, init?: CallInit): Promise<T> {
  const answer = await send(url, init);
  const text = await answer.text();
  if (!text) return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new ApiError('The answer is not JSON, or it was cut off.', 'InvalidAnswer', answer.status, requestIdOf(answer));
  }
}

/** Calls with a JSON body. */
export function sendJSON<T>(method: string, url: string, body: unknown, init?: CallInit): Promise<T> {
  return getJSON<T>(url, { ...init, method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...init?.headers } });
}

export function requestIdOf(answer: Response): string | undefined {
  return answer.headers.get('X-Amzn-Requestid') ?? answer.headers.get('X-Amz-Request-Id') ?? undefined;
}

/** Reads what an answer says about its error, in JSON or in the XML of S3. */
async function errorOf(answer: Response): Promise<ApiError> {
  const text = (await answer.text().catch(() => '')).slice(0, 65536);
  let code = answer.headers.get('X-Amzn-Errortype') ?? '';
  let message = '';
  try {
    // Code and message of Cairn and JSON protocols; of query services in "Error".
    const body = JSON.parse(text) as Record<string, unknown>;
    const inner = (body.Error ?? body) as Record<string, unknown>;
    code ||= textOf(inner.__type ?? inner.Code ?? inner.code);
    message = textOf(inner.message ?? inner.Message);
  } catch {
    code ||= /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? '';
    message = /<Message>([^<]*)<\/Message>/.exec(text)?.[1] ?? '';
  }
  code = code.replace(/^.*#/, '').replace(/:.*$/, '') || `HTTP ${answer.status}`;
  return new ApiError(message || answer.statusText || 'The server refused the call.', code, answer.status, requestIdOf(answer));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
