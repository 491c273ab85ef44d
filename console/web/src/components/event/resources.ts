import { summarize, type FoundEvent, type RecordResource } from '@/api/record';

/**
 * The resources of an event: those that the server found in it, in the record's list or in request and answer, as LookupEvents has them. The
 * server gives a name twice where it is an ARN, the second time in its short form; the short one is left out where both are there.
 */
export function resourcesOf(event: FoundEvent): RecordResource[] {
  const listed = summarize(event.record).resources;
  if (!event.resources) return listed;
  const arns = event.resources.filter(({ name }) => name.startsWith('arn:'));
  return event.resources
    .filter(({ type, name }) => name.startsWith('arn:') || !arns.some((arn) => arn.type === type && (arn.name.endsWith(`/${name}`) || arn.name.endsWith(`:${name}`))))
    .map(({ type, name }) => ({ type, name, accountId: listed.find((one) => one.name === name)?.accountId ?? '' }));
}
