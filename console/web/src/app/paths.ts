// The addresses of the pages, made in one place, so that names with odd characters are always escaped.

const one = encodeURIComponent;

export const paths = {
  dashboard: '/dashboard',
  events: '/events',
  event: (eventId: string) => `/events/${one(eventId)}`,
  compare: (eventIds: readonly string[]) => `/compare?ids=${eventIds.map(one).join(',')}`,
  resources: '/resources',
  /** A resource's timeline. Account and region where they are not those that the server would take. */
  resource: (type: string, name: string, where: { account?: string; region?: string } = {}) =>
    `/resources?${new URLSearchParams(Object.entries({ type, name, ...where }).filter((pair): pair is [string, string] => !!pair[1]))}`,
  trails: '/trails',
  newTrail: '/trails/new',
  trail: (name: string) => `/trails/${one(name)}`,
  settings: '/settings',
} as const;

/** The event history with a search, in the parameters of GET /_cairn/api/events. */
export function searchPath(conditions: Record<string, string | readonly string[]>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(conditions)) {
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value as string]) params.append(name, one);
  }
  return `${paths.events}?${params}`;
}
