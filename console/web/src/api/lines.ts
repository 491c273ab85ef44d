import { ApiError, isAbort, requestIdOf } from './http';

// An answer of one JSON object a line is read as it comes. A line is at most an event: a record of 1 MiB with what is about it.
const maxLine = 8 << 20;

/** The lines of an answer, without those that are empty unless they are wanted. Leaving the loop cancels the answer. */
export async function* linesOf(answer: Response, empty = false): AsyncGenerator<string, void> {
  if (!answer.body) return;
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error: unknown) => {
        throw isAbort(error) ? error : endError(undefined, requestIdOf(answer));
      });
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = text.split('\n');
      lines[0] = rest + lines[0];
      rest = lines.pop() ?? '';
      for (const line of lines) if (line || empty) yield line;
      if (rest.length > maxLine) throw new ApiError('The answer has a line that is too long.', 'InvalidAnswer', answer.status);
      if (done) {
        if (rest) yield rest;
        return;
      }
    }
  } finally {
    // Has no effect where the answer was read to its end.
    await reader.cancel().catch(() => {});
  }
}

/** The end of an answer that says how it ended: thrown if it says that it failed, or if it does not say anything. */
export function endError(line: { error?: { text?: string; code?: string } } | undefined, requestId: string | undefined): ApiError {
  if (line?.error) return new ApiError(line.error.text ?? 'The answer could not be completed.', line.error.code ?? 'Incomplete', 200, requestId);
  return new ApiError('The answer was cut off before its end.', 'Incomplete', 200, requestId);
}
