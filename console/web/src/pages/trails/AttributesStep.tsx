import Alert from '@cloudscape-design/components/alert';
import AttributeEditor from '@cloudscape-design/components/attribute-editor';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import RadioGroup from '@cloudscape-design/components/radio-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { allPages, callJSON, callQuery } from '@/api/aws';
import type { Tag } from '@/api/cloudtrail';
import { ErrorAlert } from '@/components/ErrorAlert';
import { JsonView } from '@/components/JsonView';
import { useLoad } from '@/components/useLoad';
import { BucketPicker } from './BucketPicker';
import { bucketStatements, policyText, trailARN } from './policies';
import { aliasOf, type AttributeFaults, bucketOf, type TrailForm } from './trailForm';
import type { Place } from './trailPlan';

interface Props {
  form: TrailForm;
  change: (changes: Partial<TrailForm>) => void;
  place: Place;
  /** A trail's name is for good. */
  editing: boolean;
  faults: AttributeFaults;
}

/** The first step of the wizard: what the trail is called and where it delivers to. */
export function AttributesStep({ form, change, place, editing, faults }: Props) {
  const [picking, setPicking] = useState(false);
  const { data: keys, error: keysError } = useLoad(async (signal) => (form.keyMode === 'existing' ? listAliases(place.region, signal) : []), [place.region, form.keyMode === 'existing']);
  const { data: topics, error: topicsError } = useLoad(async (signal) => (form.topicMode === 'existing' ? listTopics(place.region, signal) : []), [place.region, form.topicMode === 'existing']);
  const bucket = bucketOf(form, place.account);
  const folder = `s3://${bucket || 'BUCKET'}/${form.prefix ? `${form.prefix}/` : ''}AWSLogs/${place.account}/`;
  const newBucket = form.bucketMode === 'new' && !place.elsewhere;

  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">General details</Header>}>
        <SpaceBetween size="l">
          <FormField label="Trail name" errorText={faults.name} constraintText="3 to 128 letters, digits, periods, underscores and hyphens.">
            <Input value={form.name} onChange={({ detail }) => change({ name: detail.value })} readOnly={editing} autoFocus={!editing} spellcheck={false} autoComplete={false} />
          </FormField>
          <FormField label="Regions">
            <SpaceBetween size="xs">
              <Checkbox checked={form.multiRegion} onChange={({ detail }) => change({ multiRegion: detail.checked })} description={`Otherwise only those of ${place.region}.`}>
                Take the events of all regions
              </Checkbox>
              {!form.multiRegion && (
                <Checkbox checked={form.globals} onChange={({ detail }) => change({ globals: detail.checked })}>
                  Take the events of global services, such as IAM
                </Checkbox>
              )}
            </SpaceBetween>
          </FormField>
        </SpaceBetween>
      </Container>

      <Container header={<Header variant="h2">Storage</Header>}>
        <SpaceBetween size="l">
          {place.elsewhere ? (
            <Alert type="info" header="Trails deliver to another S3 than the server’s own">
              <SpaceBetween size="xs">
                <div>The bucket has to be there already, with these statements in its policy:</div>
                <JsonView text={policyText(bucketStatements(trailARN(place.region, place.account, form.name || 'NAME'), place.account, bucket || 'BUCKET', form.prefix))} what="bucket policy" />
              </SpaceBetween>
            </Alert>
          ) : (
            <FormField label="Bucket" stretch>
              <RadioGroup
                value={form.bucketMode}
                onChange={({ detail }) => change({ bucketMode: detail.value as TrailForm['bucketMode'], bucket: '' })}
                items={[
                  { value: 'new', label: 'Make a new bucket', description: 'With a policy that lets CloudTrail write to it for this trail, and nobody else read it.' },
                  { value: 'existing', label: 'Use a bucket that exists' },
                ]}
              />
            </FormField>
          )}
          <FormField
            label="Bucket name"
            errorText={faults.bucket}
            secondaryControl={!newBucket && !place.elsewhere && <Button onClick={() => setPicking(true)}>Browse S3</Button>}
          >
            <Input
              value={form.bucket}
              placeholder={newBucket ? bucket || 'The name of the bucket' : 'The name of the bucket'}
              onChange={({ detail }) => change({ bucket: detail.value })}
              spellcheck={false}
              autoComplete={false}
            />
          </FormField>
          <FormField label={<>Prefix <i>- optional</i></>} errorText={faults.prefix} constraintText={<span className="breakable">Log files go below {folder}</span>}>
            <Input value={form.prefix} onChange={({ detail }) => change({ prefix: detail.value })} spellcheck={false} autoComplete={false} />
          </FormField>
          <Checkbox
            checked={form.validation}
            onChange={({ detail }) => change({ validation: detail.checked })}
            description="Signed digests prove later that log files are as they were delivered."
          >
            Log file validation
          </Checkbox>
        </SpaceBetween>
      </Container>

      <Container header={<Header variant="h2">Encryption</Header>}>
        <SpaceBetween size="l">
          <FormField label="SSE-KMS">
            <RadioGroup
              value={form.keyMode}
              onChange={({ detail }) => change({ keyMode: detail.value as TrailForm['keyMode'] })}
              items={[
                { value: 'none', label: 'No key of my own', description: 'The bucket’s own encryption applies.' },
                { value: 'new', label: 'Make a new key', description: 'With a policy that lets CloudTrail encrypt for this trail.' },
                { value: 'existing', label: 'Use a key that exists' },
              ]}
            />
          </FormField>
          {form.keyMode === 'new' && (
            <FormField label="Alias" errorText={faults.key}>
              <Input value={form.newAlias} placeholder={aliasOf(form)} onChange={({ detail }) => change({ newAlias: detail.value })} spellcheck={false} autoComplete={false} />
            </FormField>
          )}
          {form.keyMode === 'existing' && (
            <FormField label="Key" errorText={faults.key} constraintText="An alias, a key ID or an ARN.">
              <Autosuggest
                value={form.key}
                onChange={({ detail }) => change({ key: detail.value })}
                options={keys?.map((value) => ({ value }))}
                enteredTextLabel={(value) => `Use ${value}`}
                placeholder="alias/…"
                empty="No aliases"
                ariaLabel="Key"
              />
            </FormField>
          )}
          {form.keyMode === 'existing' && <ErrorAlert what="The aliases could not be listed" error={keysError} />}
        </SpaceBetween>
      </Container>

      <Container header={<Header variant="h2">Notifications</Header>}>
        <SpaceBetween size="l">
          <FormField label="SNS" description="A topic can be told of each log file.">
            <RadioGroup
              value={form.topicMode}
              onChange={({ detail }) => change({ topicMode: detail.value as TrailForm['topicMode'] })}
              items={[
                { value: 'none', label: 'No topic' },
                { value: 'new', label: 'Make a new topic', description: 'With a policy that lets the trails of this account publish to it.' },
                { value: 'existing', label: 'Use a topic that exists' },
              ]}
            />
          </FormField>
          {form.topicMode === 'new' && (
            <FormField label="Topic name" errorText={faults.topic}>
              <Input value={form.newTopic} onChange={({ detail }) => change({ newTopic: detail.value })} spellcheck={false} autoComplete={false} />
            </FormField>
          )}
          {form.topicMode === 'existing' && (
            <FormField label="Topic" errorText={faults.topic}>
              <Autosuggest
                value={form.topic}
                onChange={({ detail }) => change({ topic: detail.value })}
                options={topics?.map((value) => ({ value, label: value }))}
                enteredTextLabel={(value) => `Use ${value}`}
                placeholder="arn:aws:sns:…"
                empty="No topics"
                ariaLabel="Topic"
              />
            </FormField>
          )}
          {form.topicMode === 'existing' && <ErrorAlert what="The topics could not be listed" error={topicsError} />}
        </SpaceBetween>
      </Container>

      <ExpandableSection variant="container" headerText="Tags" headerCounter={`(${form.tags.length})`} defaultExpanded={form.tags.length > 0 || !!faults.tags}>
        <FormField errorText={faults.tags} stretch>
          <AttributeEditor
            items={form.tags}
            addButtonText="Add a tag"
            removeButtonText="Remove"
            removeButtonAriaLabel={({ Key }) => `Remove tag ${Key}`}
            disableAddButton={form.tags.length >= 50}
            onAddButtonClick={() => change({ tags: [...form.tags, { Key: '', Value: '' }] })}
            onRemoveButtonClick={({ detail }) => change({ tags: form.tags.filter((_, i) => i !== detail.itemIndex) })}
            empty="The trail has no tags."
            definition={(['Key', 'Value'] as const).map((member) => ({
              label: member,
              control: (tag: Tag, i: number) => (
                <Input
                  value={tag[member] ?? ''}
                  ariaLabel={`${member} of tag ${i + 1}`}
                  onChange={({ detail }) => change({ tags: form.tags.map((other, j) => (j === i ? { ...other, [member]: detail.value } : other)) })}
                />
              ),
            }))}
          />
        </FormField>
      </ExpandableSection>
      {editing && <Box color="text-body-secondary">Files that are in the bucket stay where they are.</Box>}
      {picking && (
        <BucketPicker
          region={place.region}
          onClose={() => setPicking(false)}
          onChoose={(bucket, prefix) => {
            change({ bucket, prefix });
            setPicking(false);
          }}
        />
      )}
    </SpaceBetween>
  );
}

async function listAliases(region: string, signal: AbortSignal): Promise<string[]> {
  interface Answer {
    Aliases?: { AliasName: string; TargetKeyId?: string }[];
    NextMarker?: string;
  }
  const aliases = await allPages(
    (more) => callJSON<Answer>('kms', region, 'ListAliases', more, { signal }),
    (answer) => answer.Aliases,
    (answer) => (answer.NextMarker ? { Marker: answer.NextMarker } : undefined),
    10,
  );
  return aliases.filter(({ AliasName, TargetKeyId }) => TargetKeyId && !AliasName.startsWith('alias/aws/')).map(({ AliasName }) => AliasName);
}

async function listTopics(region: string, signal: AbortSignal): Promise<string[]> {
  interface Answer {
    Topics?: { TopicArn: string }[];
    NextToken?: string | null;
  }
  const topics = await allPages(
    (more) => callQuery<Answer>('sns', region, 'ListTopics', more, { signal }),
    (answer) => answer.Topics,
    (answer) => (answer.NextToken ? { NextToken: answer.NextToken } : undefined),
    10,
  );
  return topics.map(({ TopicArn }) => TopicArn).filter((arn) => !arn.endsWith('.fifo'));
}
