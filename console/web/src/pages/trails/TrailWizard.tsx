import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Button from '@cloudscape-design/components/button';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Wizard from '@cloudscape-design/components/wizard';
import { useMemo, useRef, useState } from 'react';
import { useLocation, useParams } from 'wouter';
import { getEventSelectors, getInsightSelectors, listTags } from '@/api/cloudtrail';
import { getDeliveries } from '@/api/trails';
import { useNotify } from '@/app/notifications';
import { Page } from '@/app/Page';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { CopyButton } from '@/components/CopyButton';
import { ErrorAlert } from '@/components/ErrorAlert';
import { Loading } from '@/components/Loading';
import { useLoad } from '@/components/useLoad';
import { useUrlState } from '@/components/urlState';
import { AttributesStep } from './AttributesStep';
import { EventsStep } from './EventsStep';
import { SelectorText } from './SelectorText';
import { RunPlan, type Progress } from './RunPlan';
import { findTrail, trailPath } from './trailData';
import { aliasOf, attributeFaults, bucketOf, type Edited, eventFaults, formOf, newForm, type TrailForm } from './trailForm';
import { type Place, planOf } from './trailPlan';
import './trails.css';

/** Makes a trail, or with a name in the address changes one, in the three steps that AWS has. */
export default function TrailWizardPage() {
  const session = useSession();
  const { name } = useParams<{ name?: string }>();
  const [params] = useUrlState();
  const region = params.get('region');
  const editing = name !== undefined;
  const { data, error, loading, reload } = useLoad(
    async (signal) => {
      const [edited, deliveries] = await Promise.all([
        editing ? loadEdited(session, name, region, signal) : undefined,
        // Without the permission to see it, the server's own S3 is taken; making the trail tells.
        getDeliveries({ account: session.identity.operator ? session.identity.accountId : undefined }, { signal }).catch(() => undefined),
      ]);
      return { edited, s3: deliveries?.s3 };
    },
    [name, region, session.region],
  );
  const title = editing ? `Edit trail ${name}` : 'Create trail';
  return (
    <Page
      title={title}
      header={data ? null : undefined}
      breadcrumbs={[{ text: 'Trails', href: paths.trails }, ...(data?.edited ? [{ text: data.edited.trail.Name, href: trailPath(data.edited.trail, session) }] : [])]}
      contentType="wizard"
    >
      {error ? <ErrorAlert what={`Trail ${name} could not be read`} error={error} onRetry={reload} /> : loading || !data ? <Loading /> : <TrailWizard title={title} edited={data.edited} s3={data.s3} />}
    </Page>
  );
}

async function loadEdited(session: ReturnType<typeof useSession>, name: string, region: string | null, signal: AbortSignal): Promise<Edited> {
  const trail = await findTrail(session, name, region, { signal });
  const [selectors, insights, tags] = await Promise.all([
    getEventSelectors(trail.HomeRegion, trail.TrailARN, { signal }),
    getInsightSelectors(trail.HomeRegion, trail, { signal }),
    listTags(trail.HomeRegion, trail.TrailARN, { signal }),
  ]);
  return { trail, selectors, insights, tags };
}

function TrailWizard({ title, edited, s3 }: { title: string; edited?: Edited; s3?: 'own' | 'other' | 'off' }) {
  const session = useSession();
  const [, navigate] = useLocation();
  const [params] = useUrlState();
  const { notify } = useNotify();
  const [form, setForm] = useState<TrailForm>(() => (edited ? formOf(edited) : newForm()));
  const [step, setStep] = useState(edited && params.get('step') === 'events' ? 1 : 0);
  const [tried, setTried] = useState(-1);
  const [running, setRunning] = useState(false);
  const progress = useRef<Progress>({ done: new Map(), made: {} });

  const place: Place = { region: edited?.trail.HomeRegion ?? session.region, account: session.identity.accountId, elsewhere: s3 === 'other' };
  const change = (changes: Partial<TrailForm>) => setForm((before) => ({ ...before, ...changes }));
  const all = attributeFaults(form, place.account);
  const events = eventFaults(form);
  // As it is typed, a name is held to the rules; what is empty still is only complained about after an attempt to go on.
  const shown = tried >= 0 ? all : Object.fromEntries(Object.entries(all).filter(([field]) => wasTouched(field, form)));
  const steps = useMemo(() => planOf(form, place, edited), [form, place.region, place.account, place.elsewhere, edited]);
  const home = edited ? trailPath(edited.trail, session) : paths.trails;

  if (running) {
    return (
      <SpaceBetween size="l">
        <Header variant="h1">{title}</Header>
        <RunPlan
          title={edited ? `Trail ${form.name} is being changed` : `Trail ${form.name} is being made`}
          doneTitle={edited ? `Trail ${form.name} is changed` : `Trail ${form.name} is made`}
          steps={steps}
          progress={progress.current}
          doneText={edited ? 'All changes are made.' : form.start ? 'The trail logs. Its first log file comes with the next delivery.' : 'The trail is made. It does not log yet.'}
          onBack={() => setRunning(false)}
          onDone={() => navigate(trailPath({ Name: form.name, HomeRegion: place.region }, session))}
        />
      </SpaceBetween>
    );
  }

  /** How far the steps are in order. */
  const reachable = Object.keys(all).length ? 0 : events.length ? 1 : 2;
  return (
    <SpaceBetween size="l">
      <Header variant="h1" description={edited ? undefined : `In ${place.region}, its home region.`}>
        {title}
      </Header>
      {s3 === 'off' && <Alert type="warning">The server delivers to no S3 (--s3 off). Start it without that, or with the URL of one, before you make a trail.</Alert>}
      <Wizard
        activeStepIndex={step}
        allowSkipTo={!!edited}
        submitButtonText={edited ? 'Save changes' : 'Create trail'}
        i18nStrings={{
          stepNumberLabel: (n) => `Step ${n}`,
          collapsedStepsLabel: (n, count) => `Step ${n} of ${count}`,
          skipToButtonLabel: ({ title }) => `Skip to ${title.toLowerCase()}`,
          navigationAriaLabel: 'Steps',
          cancelButton: 'Cancel',
          previousButton: 'Previous',
          nextButton: 'Next',
          optional: 'optional',
        }}
        onCancel={() => navigate(home)}
        onNavigate={({ detail }) => {
          const to = detail.requestedStepIndex;
          if (to > reachable) {
            setTried(reachable);
            if (step !== reachable) setStep(reachable);
            return showFault();
          }
          setStep(to);
          scrollTo(0, 0);
        }}
        onSubmit={() => {
          if (reachable < 2) {
            setTried(reachable);
            setStep(reachable);
            return showFault();
          }
          if (steps.length === 0) {
            notify({ type: 'info', content: 'Nothing was changed.' });
            return navigate(home);
          }
          setRunning(true);
          scrollTo(0, 0);
        }}
        steps={[
          { title: 'Trail attributes', content: <AttributesStep form={form} change={change} place={place} editing={!!edited} faults={shown} /> },
          { title: 'Events', content: <EventsStep form={form} change={change} place={place} tried={tried >= 1} /> },
          { title: 'Review', content: <Review form={form} change={change} place={place} edited={edited} steps={steps.flatMap(({ commands }) => commands)} onEdit={setStep} /> },
        ]}
      />
    </SpaceBetween>
  );
}

/** Leads to the first thing that is wrong, once it is shown. */
function showFault() {
  setTimeout(() => {
    const first = document.querySelector<HTMLElement>('main [aria-invalid="true"], main .trails-fault');
    first?.scrollIntoView({ block: 'center' });
    first?.focus({ preventScroll: true });
  });
}

/** Whether somebody has put something where a fault is. */
function wasTouched(field: string, form: TrailForm): boolean {
  switch (field) {
    case 'name':
      return form.name !== '';
    case 'bucket':
      return form.bucket !== '';
    case 'topic':
      return (form.topicMode === 'new' ? form.newTopic : form.topic) !== '';
    case 'key':
      return (form.keyMode === 'new' ? form.newAlias : form.key) !== '';
    case 'tags':
      return form.tags.some(({ Key }) => Key !== '') && !form.tags.some(({ Key }) => Key === '');
  }
  return true;
}

/** The third step: everything that was chosen, and the commands that do the same. */
function Review({ form, change, place, edited, steps, onEdit }: {
  form: TrailForm;
  change: (changes: Partial<TrailForm>) => void;
  place: Place;
  edited?: Edited;
  steps: readonly string[];
  onEdit: (step: number) => void;
}) {
  const bucket = bucketOf(form, place.account);
  const key = { none: 'None', new: `alias/${aliasOf(form)} (new)`, existing: form.key }[form.keyMode];
  const topic = { none: 'None', new: `${form.newTopic} (new)`, existing: form.topic }[form.topicMode];
  const text = steps.join('\n\n');
  const item = (label: string, value: string) => ({ label, value: <span className="breakable">{value}</span> });
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2" actions={<Button onClick={() => onEdit(0)} ariaLabel="Edit the attributes">Edit</Button>}>Trail attributes</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            item('Name', form.name),
            item('Regions', form.multiRegion ? 'All' : `${place.region}${form.globals ? ', with global services' : ''}`),
            item('Bucket', `${bucket}${form.bucketMode === 'new' && !place.elsewhere ? ' (new)' : ''}`),
            item('Prefix', form.prefix || '-'),
            item('Log file validation', form.validation ? 'On' : 'Off'),
            item('KMS key', key),
            item('SNS topic', topic),
            item('Tags', form.tags.map(({ Key, Value }) => `${Key}=${Value ?? ''}`).join(', ') || '-'),
          ]}
        />
      </Container>
      <Container header={<Header variant="h2" actions={<Button onClick={() => onEdit(1)} ariaLabel="Edit the events">Edit</Button>}>Events</Header>}>
        <SelectorText form={form.selectors} insights={form.insights} />
      </Container>
      {!edited && (
        <Container>
          <Checkbox checked={form.start} onChange={({ detail }) => change({ start: detail.checked })} description="Otherwise it delivers nothing until it is started.">
            Start logging at once
          </Checkbox>
        </Container>
      )}
      <Box color="text-body-secondary">What is new of bucket, key and topic is tried first, with what a delivery would do. Where that does not work, nothing is {edited ? 'changed' : 'made'} of the trail.</Box>
      <Container
        header={
          <Header variant="h2" description="The aws command line does the same by these commands." actions={text && <CopyButton text={text} what="commands" label="Copy" />}>
            Commands
          </Header>
        }
      >
        {text ? (
          <pre className="trails-commands mono" tabIndex={0} role="group" aria-label="Commands">
            {text}
          </pre>
        ) : (
          <Box color="text-body-secondary">Nothing is changed.</Box>
        )}
      </Container>
    </SpaceBetween>
  );
}
