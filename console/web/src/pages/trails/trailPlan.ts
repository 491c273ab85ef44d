import { callJSON, callQuery } from '@/api/aws';
import * as cloudtrail from '@/api/cloudtrail';
import { ApiError } from '@/api/http';
import { callS3 } from '@/api/s3';
import { escapeXML } from '@/api/xml';
import * as policies from './policies';
import { isDefault, sameSelectors, toAPI } from './selectorForm';
import { aws } from './shell';
import { aliasOf, bucketOf, type Edited, type TrailForm } from './trailForm';

// What making or changing a trail comes to: steps that are done one after the other. Each can be done again, so that after a fix the first
// one that failed goes on, and each is an aws command.

export interface PlanStep {
  /** What it does with what: a step with the same ID was done already. */
  id: string;
  title: string;
  commands: string[];
  run(made: Made): Promise<string>;
  /** What can be done about an error of the step, if the user wants it. */
  fix?(error: unknown, made: Made): Promise<Fix | undefined>;
}

export interface Fix {
  title: string;
  /** The policy as it would be. */
  policy: string;
  apply(): Promise<unknown>;
}

/** What earlier steps made. */
export interface Made {
  trailArn?: string;
  keyArn?: string;
  topicArn?: string;
}

export interface Place {
  /** The trail's home region. */
  region: string;
  account: string;
  /** Trails deliver to another S3 than the server's, whose buckets are not made here. */
  elsewhere: boolean;
}

/** The steps for a new trail, or for the changes to one. */
export function planOf(form: TrailForm, place: Place, edited?: Edited): PlanStep[] {
  const arn = edited?.trail.TrailARN ?? policies.trailARN(place.region, place.account, form.name);
  const steps: PlanStep[] = [];
  if (form.bucketMode === 'new' && !place.elsewhere) steps.push(bucketStep(form, place, arn));
  if (form.keyMode === 'new') steps.push(keyStep(form, place, arn));
  if (form.topicMode === 'new') steps.push(topicStep(form, place));
  const trail = trailStep(form, place, arn, edited);
  if (trail) steps.push(trail);

  const selectors = toAPI(form.selectors);
  const selectorsChange = edited ? !sameSelectors(selectors, edited.selectors) : !isDefault(form.selectors);
  if (selectorsChange) {
    steps.push({
      id: `selectors ${arn} ${JSON.stringify(selectors)}`,
      title: 'Choose the events',
      commands: [
        aws('cloudtrail', 'put-event-selectors', place.region, {
          'trail-name': form.name,
          'event-selectors': selectors.EventSelectors && JSON.stringify(selectors.EventSelectors),
          'advanced-event-selectors': selectors.AdvancedEventSelectors && JSON.stringify(selectors.AdvancedEventSelectors),
        }),
      ],
      run: async () => {
        await cloudtrail.putEventSelectors(place.region, arn, selectors);
        return 'The trail takes the chosen events.';
      },
    });
  }
  if (JSON.stringify(form.insights) !== JSON.stringify(edited?.insights ?? [])) {
    steps.push({
      id: `insights ${arn} ${JSON.stringify(form.insights)}`,
      title: form.insights.length ? 'Switch Insights on' : 'Switch Insights off',
      commands: [aws('cloudtrail', 'put-insight-selectors', place.region, { 'trail-name': form.name, 'insight-selectors': JSON.stringify(form.insights) })],
      run: async () => {
        await cloudtrail.putInsightSelectors(place.region, arn, form.insights);
        return form.insights.length ? 'The trail asks for Insights.' : 'The trail asks for no Insights.';
      },
    });
  }
  if (edited) steps.push(...tagSteps(form, place, edited));
  if (form.start) {
    steps.push({
      id: `start ${arn}`,
      title: 'Start logging',
      commands: [aws('cloudtrail', 'start-logging', place.region, { name: form.name })],
      run: async () => {
        await cloudtrail.startLogging(place.region, arn);
        return 'The trail logs.';
      },
    });
  }
  return steps;
}

function bucketStep(form: TrailForm, { region, account }: Place, arn: string): PlanStep {
  const bucket = bucketOf(form, account);
  const policy = policies.policyText(policies.bucketStatements(arn, account, bucket, form.prefix));
  const outside = region === 'us-east-1' ? undefined : region; // which has no location constraint
  return {
    id: `bucket ${region} ${bucket} ${form.prefix} ${arn}`,
    title: `Make the bucket ${bucket}`,
    commands: [
      aws('s3api', 'create-bucket', region, { bucket, 'create-bucket-configuration': outside && `LocationConstraint=${outside}` }),
      aws('s3api', 'put-bucket-policy', region, { bucket, policy }),
    ],
    run: async () => {
      const there = await callS3(region, { bucket, method: 'HEAD' }).then(
        () => true,
        (error: unknown) => {
          if (error instanceof ApiError && error.status === 404) return false;
          if (error instanceof ApiError && error.status === 403) {
            throw new ApiError('The bucket is somebody else’s, or you may not see it. Choose another name.', 'AccessDenied', 403, error.requestId);
          }
          throw error;
        },
      );
      // A bucket that exists is used as it is; if its policy does not do, making the trail says so.
      if (there) return 'It was there already.';
      const body = outside && `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>${escapeXML(outside)}</LocationConstraint></CreateBucketConfiguration>`;
      await callS3(region, { bucket, method: 'PUT', body });
      try {
        await callS3(region, { bucket, method: 'PUT', query: { policy: true }, body: policy });
      } catch (error) {
        // Without its policy the bucket would be taken for one that was there.
        await callS3(region, { bucket, method: 'DELETE' }).catch(() => {});
        throw error;
      }
      return 'It is made, with a policy that lets this trail write to it.';
    },
  };
}

function keyStep(form: TrailForm, { region, account }: Place, arn: string): PlanStep {
  const alias = `alias/${aliasOf(form)}`;
  const policy = policies.policyText([policies.ownerStatement(account, 'kms:*', '*'), ...policies.keyStatements(arn, account)]);
  const description = `Log files of trail ${form.name}`;
  return {
    id: `key ${region} ${alias} ${arn}`,
    title: `Make a KMS key, ${alias}`,
    commands: [
      `KEY=$(${aws('kms', 'create-key', region, { description, policy })} --query KeyMetadata.Arn --output text)`,
      `${aws('kms', 'create-alias', region, { 'alias-name': alias })} --target-key-id "$KEY"`,
    ],
    run: async (made) => {
      try {
        const { KeyMetadata } = await callJSON<{ KeyMetadata: { Arn: string } }>('kms', region, 'DescribeKey', { KeyId: alias });
        made.keyArn = KeyMetadata.Arn;
        return `It was there already: ${made.keyArn}`;
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'NotFoundException') throw error;
      }
      // A key whose alias could not be made is kept for the next attempt.
      made.keyArn ??= (await callJSON<{ KeyMetadata: { Arn: string } }>('kms', region, 'CreateKey', { Description: description, Policy: policy })).KeyMetadata.Arn;
      await callJSON('kms', region, 'CreateAlias', { AliasName: alias, TargetKeyId: made.keyArn });
      return `It is made: ${made.keyArn}`;
    },
  };
}

function topicStep(form: TrailForm, { region, account }: Place): PlanStep {
  const arn = `arn:aws:sns:${region}:${account}:${form.newTopic}`;
  const policy = policies.policyText([policies.ownerStatement(account, policies.topicOwnerActions, arn), ...policies.topicStatements(arn, account)]);
  return {
    id: `topic ${arn}`,
    title: `Make the topic ${form.newTopic}`,
    commands: [aws('sns', 'create-topic', region, { name: form.newTopic, attributes: JSON.stringify({ Policy: policy }) })],
    run: async (made) => {
      try {
        await callQuery('sns', region, 'GetTopicAttributes', { TopicArn: arn });
        made.topicArn = arn;
        return 'It was there already.';
      } catch (error) {
        if (!(error instanceof ApiError) || !error.code.startsWith('NotFound')) throw error;
      }
      await callQuery('sns', region, 'CreateTopic', { Name: form.newTopic, Attributes: new Map([['Policy', policy]]) });
      made.topicArn = arn;
      return 'It is made, with a policy that lets the trails of this account publish to it.';
    },
  };
}

/** Makes the trail, or changes what is other than before. Nothing, where nothing is. */
function trailStep(form: TrailForm, place: Place, arn: string, edited?: Edited): PlanStep | undefined {
  const { region, account } = place;
  const bucket = bucketOf(form, account);
  const topic = form.topicMode === 'new' ? `arn:aws:sns:${region}:${account}:${form.newTopic}` : form.topicMode === 'existing' ? form.topic : '';
  const key = form.keyMode === 'new' ? `alias/${aliasOf(form)}` : form.keyMode === 'existing' ? form.key : '';
  const was = edited?.trail;
  const changed = <V>(now: V, before: V | undefined, empty: V): V | undefined => (was ? (now === (before ?? empty) ? undefined : now) : now === empty ? undefined : now);
  const settings = {
    S3BucketName: changed(bucket, was?.S3BucketName, ''),
    S3KeyPrefix: changed(form.prefix, was?.S3KeyPrefix, ''),
    SnsTopicName: changed(topic, was?.SnsTopicARN, ''),
    KmsKeyId: changed(key, was?.KmsKeyId, ''),
    IsMultiRegionTrail: changed(form.multiRegion, was?.IsMultiRegionTrail, false),
    // A trail of all regions takes the events of global services in any case.
    IncludeGlobalServiceEvents: changed(form.multiRegion || form.globals, was?.IncludeGlobalServiceEvents, true),
    EnableLogFileValidation: changed(form.validation, was?.LogFileValidationEnabled, false),
  };
  if (was && Object.values(settings).every((value) => value === undefined)) return undefined;
  const whole = {
    S3BucketName: bucket, S3KeyPrefix: form.prefix, SnsTopicName: topic, KmsKeyId: key, IsMultiRegionTrail: form.multiRegion,
    IncludeGlobalServiceEvents: form.multiRegion || form.globals, EnableLogFileValidation: form.validation,
  };
  const tags = was || !form.tags.length ? undefined : form.tags;
  const input = { Name: form.name, ...settings, TagsList: tags };
  const command = aws('cloudtrail', was ? 'update-trail' : 'create-trail', region, {
    name: form.name,
    's3-bucket-name': settings.S3BucketName,
    's3-key-prefix': settings.S3KeyPrefix,
    'sns-topic-name': settings.SnsTopicName,
    'kms-key-id': settings.KmsKeyId,
    'is-multi-region-trail': settings.IsMultiRegionTrail,
    'include-global-service-events': settings.IncludeGlobalServiceEvents,
    'enable-log-file-validation': settings.EnableLogFileValidation,
    'tags-list': tags && JSON.stringify(tags),
  });
  return {
    id: `trail ${JSON.stringify(input)}`,
    title: was ? `Change trail ${form.name}` : `Make trail ${form.name}`,
    commands: [command],
    run: async (made) => {
      if (was || made.trailArn) {
        // After it was made, settings may have been corrected for a later step.
        await cloudtrail.updateTrail(region, { ...(was ? settings : whole), Name: arn });
        made.trailArn = arn;
        return 'It is changed.';
      }
      made.trailArn = (await cloudtrail.createTrail(region, input)).TrailARN;
      return `It is made: ${made.trailArn}`;
    },
    fix: (error) => policyFix(error, { arn, bucket, prefix: form.prefix, topic, key }, place),
  };
}

/** Offers to add to a policy what a destination that is there lacks. What the policy has stays. */
async function policyFix(
  error: unknown,
  { arn, bucket, prefix, topic, key }: { arn: string; bucket: string; prefix: string; topic: string; key: string },
  { region, account, elsewhere }: Place,
): Promise<Fix | undefined> {
  if (!(error instanceof ApiError) || !/^Insufficient.*PolicyException$/.test(error.code)) return undefined;
  if (error.code === 'InsufficientS3BucketPolicyException') {
    if (elsewhere) return undefined;
    const have = await callS3(region, { bucket, query: { policy: true } }).then(
      (answer) => answer.text(),
      (failure: unknown) => {
        if (failure instanceof ApiError && failure.code === 'NoSuchBucketPolicy') return '';
        throw failure;
      },
    );
    const { policy, added } = policies.mergePolicy(have, policies.bucketStatements(arn, account, bucket, prefix));
    return added ? { title: `the policy of bucket ${bucket}`, policy, apply: () => callS3(region, { bucket, method: 'PUT', query: { policy: true }, body: policy }) } : undefined;
  }
  if (error.code === 'InsufficientSnsTopicPolicyException' && topic) {
    const home = topic.split(':')[3] || region;
    const { Attributes } = await callQuery<{ Attributes?: { Policy?: string } }>('sns', home, 'GetTopicAttributes', { TopicArn: topic });
    const { policy, added } = policies.mergePolicy(Attributes?.Policy ?? '', policies.topicStatements(topic, account));
    const set = { TopicArn: topic, AttributeName: 'Policy', AttributeValue: policy };
    return added ? { title: `the policy of topic ${topic}`, policy, apply: () => callQuery('sns', home, 'SetTopicAttributes', set) } : undefined;
  }
  if (error.code === 'InsufficientEncryptionPolicyException' && key) {
    const { KeyMetadata } = await callJSON<{ KeyMetadata: { Arn: string } }>('kms', region, 'DescribeKey', { KeyId: key });
    const { Policy } = await callJSON<{ Policy?: string }>('kms', region, 'GetKeyPolicy', { KeyId: KeyMetadata.Arn, PolicyName: 'default' });
    const { policy, added } = policies.mergePolicy(Policy ?? '', policies.keyStatements(arn, account));
    const put = { KeyId: KeyMetadata.Arn, PolicyName: 'default', Policy: policy };
    return added ? { title: `the policy of key ${KeyMetadata.Arn}`, policy, apply: () => callJSON('kms', region, 'PutKeyPolicy', put) } : undefined;
  }
  return undefined;
}

function tagSteps(form: TrailForm, { region }: Place, { trail, tags }: Edited): PlanStep[] {
  const added = form.tags.filter((tag) => !tags.some((before) => before.Key === tag.Key && (before.Value ?? '') === (tag.Value ?? '')));
  const removed = tags.filter((before) => !form.tags.some((tag) => tag.Key === before.Key));
  const steps: PlanStep[] = [];
  if (added.length) {
    steps.push({
      id: `tags ${JSON.stringify(added)}`,
      title: 'Set tags',
      commands: [aws('cloudtrail', 'add-tags', region, { 'resource-id': trail.TrailARN, 'tags-list': JSON.stringify(added) })],
      run: async () => {
        await cloudtrail.addTags(region, trail.TrailARN, added);
        return 'They are set.';
      },
    });
  }
  if (removed.length) {
    const keys = removed.map(({ Key }) => ({ Key }));
    steps.push({
      id: `tags away ${JSON.stringify(keys)}`,
      title: 'Remove tags',
      commands: [aws('cloudtrail', 'remove-tags', region, { 'resource-id': trail.TrailARN, 'tags-list': JSON.stringify(keys) })],
      run: async () => {
        await cloudtrail.removeTags(region, trail.TrailARN, keys);
        return 'They are removed.';
      },
    });
  }
  return steps;
}
