import { type CallInit, getJSON } from './http';

// AWS's own operations, called as the session's identity. Names, members and errors are AWS's; answers are typed by the pages that use
// them, as far as they use them.

const targets = { cloudtrail: 'CloudTrail_20131101', kms: 'TrentService' } as const;
const versions = { iam: '2010-05-08', sts: '2011-06-15', sns: '2010-03-31' } as const;

export type JSONService = keyof typeof targets;
export type QueryService = keyof typeof versions;

/** Calls an operation of CloudTrail or KMS (JSON 1.1). Times in answers are seconds since 1970. */
export function callJSON<Output>(service: JSONService, region: string, operation: string, input: object = {}, init?: CallInit): Promise<Output> {
  return getJSON<Output>(`/aws/${service}/${encodeURIComponent(region)}/`, {
    ...init,
    method: 'POST',
    body: JSON.stringify(input),
    headers: { ...init?.headers, 'Content-Type': 'application/x-amz-json-1.1', 'X-Amz-Target': `${targets[service]}.${operation}` },
  });
}

/** Calls an operation of IAM, STS or SNS, and gives the result without its wrapping. Lists and times are as AWS's JSON answers have them. */
export async function callQuery<Output>(service: QueryService, region: string, operation: string, input: object = {}, init?: CallInit): Promise<Output> {
  const form = new URLSearchParams({ Action: operation, Version: versions[service] });
  flatten(form, '', input);
  const answer = await getJSON<Record<string, Record<string, unknown>>>(`/aws/${service}/${encodeURIComponent(region)}/`, {
    ...init,
    method: 'POST',
    body: form.toString(),
    headers: { ...init?.headers, 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
  });
  return (answer?.[`${operation}Response`]?.[`${operation}Result`] ?? {}) as Output;
}

/** Reads all pages of an operation: "next" gives the input of the page behind an answer, or nothing. At most so many pages. */
export async function allPages<Output, Item>(
  call: (more: object) => Promise<Output>,
  itemsOf: (answer: Output) => readonly Item[] | null | undefined,
  next: (answer: Output) => object | undefined,
  maxPages = 100,
): Promise<Item[]> {
  const items: Item[] = [];
  let more: object | undefined = {};
  for (let page = 0; more && page < maxPages; page++) {
    const answer: Output = await call(more);
    items.push(...(itemsOf(answer) ?? []));
    more = next(answer);
  }
  return items;
}

/** Writes parameters in the form of query services: Lists.member.1, Maps.entry.1.key, Structures.Member. */
function flatten(form: URLSearchParams, name: string, value: unknown): void {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) {
    value.forEach((item, i) => flatten(form, `${name}.member.${i + 1}`, item));
  } else if (value instanceof Map) {
    [...value].forEach(([key, item], i) => {
      form.append(`${name}.entry.${i + 1}.key`, String(key));
      flatten(form, `${name}.entry.${i + 1}.value`, item);
    });
  } else if (typeof value === 'object') {
    for (const [member, item] of Object.entries(value)) flatten(form, name ? `${name}.${member}` : member, item);
  } else {
    form.append(name, String(value));
  }
}
