import Alert from '@cloudscape-design/components/alert';
import Badge from '@cloudscape-design/components/badge';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import Tabs from '@cloudscape-design/components/tabs';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useLocation, useParams } from 'wouter';
import { getEventSelectors, getInsightSelectors, getTrailStatus, listTags, type Trail, type TrailStatus } from '@/api/cloudtrail';
import { isAbort } from '@/api/http';
import { getDeliveries, type TrailDelivery } from '@/api/trails';
import { Page } from '@/app/Page';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { useFollow } from '@/components/AppLink';
import { CopyButton } from '@/components/CopyButton';
import { EmptyState } from '@/components/EmptyState';
import { formatAgo, formatBytes, formatCount, formatDuration } from '@/components/format';
import { isDenied, LoadError } from '@/components/LoadError';
import { Loading } from '@/components/Loading';
import { TimeText } from '@/components/TimeText';
import { useLoad } from '@/components/useLoad';
import { useNews } from '@/components/useNews';
import { unescaped, useUrlState } from '@/components/urlState';
import { visible } from '@/components/visible';
import { FilePanel } from './FilePanel';
import { LogFiles } from './LogFiles';
import { LoggingText, ProblemList } from './LoggingText';
import { Redeliver } from './Redeliver';
import { SelectorText } from './SelectorText';
import { fromAPI } from './selectorForm';
import { TrailActionModal, type TrailAction } from './TrailActions';
import { editPath, findTrail } from './trailData';
import { Verify } from './Verify';
import './trails.css';

/** Everything about one trail: settings, state, what it delivered, and whether that is still as it was. */
export default function TrailDetails() {
  const session = useSession();
  const { name = '' } = useParams<{ name: string }>();
  const [, navigate] = useLocation();
  const follow = useFollow();
  const [params, setParams] = useUrlState();
  const region = params.get('region');
  const opened = params.get('file');
  const [asked, setAsked] = useState<TrailAction>();

  const nameOrARN = unescaped(name);
  const { data: trail, error, reload } = useLoad((signal) => findTrail(session, nameOrARN, region, { signal }), [nameOrARN, region, session.region]);
  // What was denied is not asked for again by a timer.
  const denied = useRef<unknown>(undefined);
  const state = useNews(
    async (signal, background) => {
      if (!trail) return undefined;
      const init = { signal, background };
      const operator = session.identity.operator ? session.identity.accountId : undefined;
      const [status, deliveries] = await Promise.all([
        getTrailStatus(trail.HomeRegion, trail.TrailARN, init),
        (background && denied.current ? Promise.reject(denied.current) : getDeliveries({ trail: trail.TrailARN, account: operator }, init)).catch((failure: unknown) => {
          if (isAbort(failure)) throw failure;
          denied.current = isDenied(failure) ? failure : undefined;
          return { trails: null, error: failure };
        }),
      ]);
      return { status, delivery: deliveries.trails?.[0], elsewhere: 's3' in deliveries && deliveries.s3 !== 'own', deliveriesError: 'error' in deliveries ? deliveries.error : undefined };
    },
    [trail?.TrailARN],
  );
  const settings = useLoad(
    async (signal) => {
      if (!trail) return undefined;
      const [selectors, insights] = await Promise.all([getEventSelectors(trail.HomeRegion, trail.TrailARN, { signal }), getInsightSelectors(trail.HomeRegion, trail, { signal })]);
      return { form: fromAPI(selectors), insights };
    },
    [trail?.TrailARN, trail?.HasInsightSelectors],
  );
  const tags = useLoad(async (signal) => (trail ? listTags(trail.HomeRegion, trail.TrailARN, { signal }) : []), [trail?.TrailARN]);

  const reloadAll = () => [reload, state.reload, settings.reload, tags.reload].forEach((again) => again());
  const { status, delivery, elsewhere = false, deliveriesError } = state.data ?? {};
  const open = (key: string | undefined) => setParams({ file: key });
  useEffect(() => {
    if (!opened) return;
    const close = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      // A dialog, a menu, or the text of a filter takes it.
      const taken = [...document.querySelectorAll('[role=dialog], [role=menu], [role=listbox]')].some((one) => one.getClientRects().length > 0);
      if (!taken && !(event.target instanceof HTMLInputElement && event.target.value !== '')) setParams({ file: undefined });
    };
    addEventListener('keydown', close);
    return () => removeEventListener('keydown', close);
  }, [opened, setParams]);

  if (!trail) {
    return (
      <Page title={nameOrARN} breadcrumbs={[{ text: 'Trails', href: paths.trails }]}>
        {error ? <LoadError what={`Trail ${nameOrARN} could not be found`} error={error} onRetry={reload} /> : <Loading />}
      </Page>
    );
  }
  const edit = (step: 'attributes' | 'events') => (
    <Button href={editPath(trail, session, step)} onFollow={follow} ariaLabel={`Edit the ${step}`}>
      Edit
    </Button>
  );
  return (
    <Page
      title={trail.Name}
      breadcrumbs={[{ text: 'Trails', href: paths.trails }]}
      splitPanel={opened ? <FilePanel key={opened} trail={trail} objectKey={opened} elsewhere={elsewhere} /> : undefined}
      splitPanelOpen={!!opened}
      onSplitPanelToggle={(isOpen) => !isOpen && open(undefined)}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button iconName="refresh" ariaLabel="Refresh" onClick={reloadAll} loading={state.loading} />
          <ButtonDropdown
            items={[
              { id: 'edit', text: 'Edit' },
              { id: 'delete', text: 'Delete' },
            ]}
            onItemClick={({ detail }) => (detail.id === 'edit' ? navigate(editPath(trail, session, 'attributes')) : setAsked('delete'))}
          >
            Actions
          </ButtonDropdown>
          {status && <Button onClick={() => setAsked(status.IsLogging ? 'stop' : 'start')}>{status.IsLogging ? 'Stop logging' : 'Start logging'}</Button>}
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {!!delivery?.problems?.length && (
          <Alert type="error" header="Not everything is delivered">
            <ProblemList problems={delivery.problems} />
          </Alert>
        )}
        {state.error !== undefined && <LoadError what="The trail’s status could not be read" error={state.error} onRetry={state.reload} />}
        <General trail={trail} session={session.region} actions={edit('attributes')} />
        <Status status={status} delivery={delivery} />
        {deliveriesError !== undefined && <LoadError what="How the deliveries stand is not known" error={deliveriesError} />}
        <Tabs
          ariaLabel="Parts of the trail"
          activeTabId={params.get('tab') ?? 'files'}
          onChange={({ detail }) => setParams({ tab: detail.activeTabId === 'files' ? undefined : detail.activeTabId, file: undefined, redeliver: undefined }, { replace: true })}
          tabs={[
            { id: 'files', label: 'Log files', content: <LogFiles trail={trail} onOpen={open} opened={opened} /> },
            { id: 'verify', label: 'Verify', content: <Verify trail={trail} onOpen={open} onRedeliver={(key) => setParams({ tab: 'redeliver', redeliver: key, file: undefined })} /> },
            { id: 'digests', label: 'Digests', content: <Digests delivery={delivery} onOpen={open} validation={!!trail.LogFileValidationEnabled} /> },
            { id: 'redeliver', label: 'Redeliver', content: <Redeliver key={params.get('redeliver') ?? ''} trail={trail} firstKey={params.get('redeliver') ?? ''} onOpen={open} /> },
            {
              id: 'events',
              label: 'Events',
              content: (
                <Container header={<Header variant="h2" actions={edit('events')}>Which events the trail takes</Header>}>
                  {settings.error !== undefined && <LoadError what="The selectors could not be read" error={settings.error} onRetry={settings.reload} />}
                  {settings.data ? <SelectorText form={settings.data.form} insights={settings.data.insights} /> : !settings.error && <Loading />}
                </Container>
              ),
            },
            {
              id: 'tags',
              label: 'Tags',
              content: (
                <SpaceBetween size="s">
                  {tags.error !== undefined && <LoadError what="The tags could not be read" error={tags.error} onRetry={tags.reload} />}
                  <Table
                    variant="container"
                    header={<Header variant="h2" counter={tags.data && `(${tags.data.length})`} actions={edit('attributes')}>Tags</Header>}
                    items={tags.data ?? []}
                    loading={tags.loading && !tags.data}
                    loadingText="Loading tags"
                    ariaLabels={{ tableLabel: 'Tags' }}
                    columnDefinitions={[
                      { id: 'key', header: 'Key', cell: ({ Key }) => <span className="breakable">{visible(Key)}</span>, isRowHeader: true },
                      { id: 'value', header: 'Value', cell: ({ Value }) => <span className="breakable">{Value ? visible(Value) : '-'}</span> },
                    ]}
                    empty={tags.error ? null : <EmptyState title="No tags" command={`aws cloudtrail add-tags --resource-id ${trail.TrailARN} --tags-list Key=team,Value=security`} />}
                  />
                </SpaceBetween>
              ),
            },
          ]}
        />
      </SpaceBetween>
      {asked && (
        <TrailActionModal
          trail={trail}
          action={asked}
          onClose={() => setAsked(undefined)}
          onDone={() => {
            if (asked === 'delete') navigate(paths.trails);
            else reloadAll();
            setAsked(undefined);
          }}
        />
      )}
    </Page>
  );
}

function General({ trail, session, actions }: { trail: Trail; session: string; actions: ReactNode }) {
  const item = (label: string, value: ReactNode) => ({ label, value: <span className="breakable">{value}</span> });
  return (
    <Container header={<Header variant="h2" actions={actions}>General details</Header>}>
      <KeyValuePairs
        columns={4}
        items={[
          item('Home region', <>{trail.HomeRegion} {trail.IsMultiRegionTrail && trail.HomeRegion !== session && <Badge>Shadow trail in {session}</Badge>}</>),
          item('Multi-region', trail.IsMultiRegionTrail ? 'Yes' : 'No'),
          item('Global service events', trail.IncludeGlobalServiceEvents ? 'Yes' : 'No'),
          item('Bucket', trail.S3BucketName),
          item('Prefix', trail.S3KeyPrefix || '-'),
          item('Log file validation', trail.LogFileValidationEnabled ? 'On' : 'Off'),
          item('KMS key', trail.KmsKeyId || 'None'),
          item('SNS topic', trail.SnsTopicARN || 'None'),
          item('ARN', <>{trail.TrailARN} <CopyButton text={trail.TrailARN} what="ARN" /></>),
        ]}
      />
    </Container>
  );
}

function Status({ status, delivery }: { status: TrailStatus | undefined; delivery: TrailDelivery | undefined }) {
  if (!status) return null;
  const time = (value: string | number | undefined) => (value ? <TimeText time={typeof value === 'number' ? value * 1000 : value} /> : 'Never');
  /** What came last, and what went wrong with it. */
  const last = (at: number | undefined, failure: string | undefined) => (
    <SpaceBetween size="xxs">
      <span>{time(at)}</span>
      {failure && <StatusIndicator type="error">{failure}</StatusIndicator>}
    </SpaceBetween>
  );
  const backlog = delivery && [
    { label: 'Delivery lag', value: formatDuration(delivery.lagSeconds) },
    {
      label: 'Not in files yet',
      value: `${formatCount(delivery.pending.events, 'event')}${delivery.pending.more ? ' or more' : ''}${delivery.nextCut && delivery.pending.events > 0 ? `, next file ${formatAgo(delivery.nextCut)}` : ''}`,
    },
    {
      label: 'Waiting for the bucket',
      value: `${formatCount(delivery.staged.files, 'file')}${delivery.staged.files ? ` with ${formatCount(delivery.staged.events, 'event')}, ${formatBytes(delivery.staged.bytes)}` : ''}`,
    },
    { label: 'Not told of', value: formatCount(delivery.notNotified, 'file') },
    { label: 'Given up', value: formatCount(delivery.givenUp, 'file') },
    ...(delivery.nextRetry ? [{ label: 'Tried again', value: formatAgo(delivery.nextRetry) }] : []),
  ];
  return (
    <Container header={<Header variant="h2">Status</Header>}>
      <KeyValuePairs
        columns={4}
        items={[
          { label: 'Logging', value: <LoggingText logging={status.IsLogging} problems={delivery?.problems} /> },
          { label: 'Last started', value: time(status.StartLoggingTime) },
          { label: 'Last stopped', value: time(status.StopLoggingTime) },
          { label: 'Last log file delivered', value: last(status.LatestDeliveryTime, status.LatestDeliveryError) },
          { label: 'Last attempt at a log file', value: time(status.LatestDeliveryAttemptTime) },
          { label: 'Last digest delivered', value: last(status.LatestDigestDeliveryTime, status.LatestDigestDeliveryError) },
          { label: 'Last notification', value: last(status.LatestNotificationTime, status.LatestNotificationError) },
          { label: 'Last attempt at a notification', value: time(status.LatestNotificationAttemptTime) },
          ...(backlog ?? []),
        ]}
      />
    </Container>
  );
}

/** The digest chains of the trail: one for each account and region. */
function Digests({ delivery, onOpen, validation }: { delivery: TrailDelivery | undefined; onOpen: (key: string) => void; validation: boolean }) {
  const chains = delivery?.digestChains ?? [];
  return (
    <Table
      header={
        <Header variant="h2" counter={`(${chains.length})`} description="Each digest signs what was delivered in its time, and names the one before it.">
          Digest chains
        </Header>
      }
      items={[...chains]}
      ariaLabels={{ tableLabel: 'Digest chains' }}
      columnDefinitions={[
        { id: 'region', header: 'Region', cell: ({ region }) => region, isRowHeader: true, minWidth: 110 },
        { id: 'account', header: 'Account', cell: ({ accountId }) => accountId, minWidth: 130 },
        { id: 'state', header: 'State', cell: ({ windowStart, queued }) => (!windowStart ? 'Ended' : queued ? `${queued} wait for the bucket` : 'Goes on'), minWidth: 110 },
        { id: 'end', header: 'Newest ends', cell: ({ newestDigestEnd }) => <TimeText time={newestDigestEnd} />, minWidth: 180 },
        { id: 'next', header: 'Next digest', cell: ({ nextDigest }) => (nextDigest ? formatAgo(nextDigest) : '-'), minWidth: 110 },
        {
          id: 'key',
          header: 'Newest digest',
          minWidth: 340,
          cell: ({ newestDigest }) =>
            newestDigest ? (
              <Button variant="inline-link" onClick={() => onOpen(newestDigest)} ariaLabel={`Open digest ${newestDigest}`}>
                <span className="breakable">{newestDigest.slice(newestDigest.lastIndexOf('/') + 1)}</span>
              </Button>
            ) : (
              '-'
            ),
        },
      ]}
      empty={
        <EmptyState title={delivery ? 'No digests yet' : 'The digest chains are not known'}>{!delivery ? '' : validation ? 'The first comes an hour after logging began, or with the server’s --digest-interval.' : 'Log file validation is off: nothing proves what is delivered.'}</EmptyState>
      }
    />
  );
}
