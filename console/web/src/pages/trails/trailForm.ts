import type { InsightSelector, Selectors, Tag, Trail } from '@/api/cloudtrail';
import { aliasFault, bucketNameFault, defaultBucket, prefixFault, topicFault, trailNameFault } from './names';
import { defaultForm, faultsOf, fromAPI, insightFaults, type SelectorForm } from './selectorForm';

/** What the wizard asks for. */
export interface TrailForm {
  name: string;
  multiRegion: boolean;
  globals: boolean;
  bucketMode: 'new' | 'existing';
  /** "" for the default name of a new bucket. */
  bucket: string;
  prefix: string;
  validation: boolean;
  keyMode: 'none' | 'new' | 'existing';
  /** The alias of a new key, without "alias/". */
  newAlias: string;
  /** The ID, ARN or alias of an existing key. */
  key: string;
  topicMode: 'none' | 'new' | 'existing';
  newTopic: string;
  /** The ARN of an existing topic. */
  topic: string;
  tags: Tag[];
  start: boolean;
  selectors: SelectorForm;
  insights: InsightSelector[];
}

/** A trail that is edited, as it was. */
export interface Edited {
  trail: Trail;
  tags: Tag[];
  selectors: Selectors;
  insights: InsightSelector[];
}

export function newForm(): TrailForm {
  return {
    name: '', multiRegion: true, globals: true, bucketMode: 'new', bucket: '', prefix: '', validation: true, keyMode: 'none', newAlias: '', key: '',
    topicMode: 'none', newTopic: '', topic: '', tags: [], start: true, selectors: defaultForm(), insights: [],
  };
}

export function formOf({ trail, tags, selectors, insights }: Edited): TrailForm {
  return {
    ...newForm(),
    name: trail.Name,
    multiRegion: !!trail.IsMultiRegionTrail,
    globals: trail.IncludeGlobalServiceEvents !== false,
    bucketMode: 'existing',
    bucket: trail.S3BucketName,
    prefix: trail.S3KeyPrefix ?? '',
    validation: !!trail.LogFileValidationEnabled,
    keyMode: trail.KmsKeyId ? 'existing' : 'none',
    key: trail.KmsKeyId ?? '',
    topicMode: trail.SnsTopicARN ? 'existing' : 'none',
    topic: trail.SnsTopicARN ?? '',
    tags,
    start: false,
    selectors: fromAPI(selectors),
    insights,
  };
}

export const bucketOf = (form: TrailForm, account: string) => form.bucket || (form.bucketMode === 'new' && form.name ? defaultBucket(account, form.name) : '');
export const aliasOf = (form: TrailForm) => form.newAlias || (form.name ? `cairn-trail-${form.name.replace(/\./g, '-')}` : '');

export type AttributeFaults = Partial<Record<'name' | 'bucket' | 'prefix' | 'key' | 'topic' | 'tags', string>>;

/** What of the first step the server would refuse. */
export function attributeFaults(form: TrailForm, account: string): AttributeFaults {
  const faults: AttributeFaults = {};
  const add = (name: keyof AttributeFaults, fault: string) => fault && (faults[name] = fault);
  add('name', trailNameFault(form.name));
  const bucket = bucketOf(form, account);
  if (bucket || form.name || form.bucketMode === 'existing') add('bucket', bucket || form.bucketMode === 'new' ? bucketNameFault(bucket) : 'Choose a bucket.');
  add('prefix', prefixFault(form.prefix));
  if (form.keyMode === 'new' && aliasOf(form)) add('key', aliasFault(aliasOf(form)));
  if (form.keyMode === 'existing' && !form.key) add('key', 'Choose a key.');
  if (form.topicMode === 'new') add('topic', form.newTopic.startsWith('arn:') ? 'Give the topic a name; its ARN is made of that.' : topicFault(form.newTopic));
  if (form.topicMode === 'existing') add('topic', form.topic ? topicFault(form.topic) : 'Choose a topic.');
  add('tags', tagFault(form.tags));
  return faults;
}

function tagFault(tags: readonly Tag[]): string {
  if (tags.length > 50) return 'A trail has at most 50 tags.';
  for (const { Key, Value = '' } of tags) {
    if (!Key) return 'Each tag has a key.';
    if ([...Key].length > 128) return 'A key has at most 128 characters.';
    if ([...Value].length > 256) return 'A value has at most 256 characters.';
    if (/^aws:/i.test(Key)) return 'Keys cannot begin with aws:.';
    if (tags.filter((tag) => tag.Key === Key).length > 1) return `The key ${Key} comes more than once.`;
  }
  return '';
}

/** What of the second step the server would refuse. */
export function eventFaults(form: TrailForm): string[] {
  return [...faultsOf(form.selectors).map((fault) => fault.text), ...insightFaults(form.selectors, form.insights)];
}
