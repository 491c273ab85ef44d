import { useCollection } from '@cloudscape-design/collection-hooks';
import Alert from '@cloudscape-design/components/alert';
import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ButtonDropdown from '@cloudscape-design/components/button-dropdown';
import CollectionPreferences from '@cloudscape-design/components/collection-preferences';
import Header from '@cloudscape-design/components/header';
import Popover from '@cloudscape-design/components/popover';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { Page } from '@/app/Page';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { AppLink, useFollow } from '@/components/AppLink';
import { EmptyState } from '@/components/EmptyState';
import { isDenied, LoadError } from '@/components/LoadError';
import { formatAgo, formatDuration, formatNumber } from '@/components/format';
import { useSavedState } from '@/components/savedState';
import { TimeText } from '@/components/TimeText';
import { useNews } from '@/components/useNews';
import { LoggingText, ProblemList } from './LoggingText';
import { TrailActionModal, type TrailAction } from './TrailActions';
import { editPath, loadTrails, trailPath, type TrailRow } from './trailData';

const columnIds = ['name', 'status', 'errors', 'lag', 'delivered', 'digest', 'region', 'multiRegion', 'insights', 'bucket', 'prefix', 'kms', 'topic'] as const;
const shownAtFirst: string[] = columnIds.filter((id) => id !== 'prefix' && id !== 'kms' && id !== 'topic');

/** The trails of the account, of all regions, with how their deliveries stand. */
export default function Trails() {
  const session = useSession();
  const [, navigate] = useLocation();
  const follow = useFollow();
  // What was denied is not asked for again by a timer.
  const [quiet, setQuiet] = useState(false);
  const { data, error, loading, reload } = useNews((signal, background) => loadTrails(session, { signal, background }), [session.region, session.identity.arn], !quiet);
  const deliveriesError = data?.deliveriesError;
  useEffect(() => setQuiet(isDenied(deliveriesError)), [deliveriesError]);
  const [asked, setAsked] = useState<{ row: TrailRow; action: TrailAction }>();
  const [visible, setVisible] = useSavedState<string[]>('trails.columns', shownAtFirst);

  const { items, collectionProps, filterProps, filteredItemsCount } = useCollection(data?.rows ?? [], {
    filtering: {
      filteringFunction: ({ trail, problems }, text) =>
        [trail.Name, trail.HomeRegion, trail.S3BucketName, trail.S3KeyPrefix, trail.KmsKeyId, trail.SnsTopicARN, ...problems.map((problem) => problem.error)].some((value) =>
          value?.toLowerCase().includes(text.toLowerCase()),
        ),
      empty: error ? null : (
        <EmptyState title="No trails" cairn="trail create audit" action={<Button href={paths.newTrail} onFollow={follow}>Create trail</Button>}>
          A trail delivers the events of this account to a bucket, as signed log files.
        </EmptyState>
      ),
      noMatch: (
        <EmptyState title="No trail has this text" action={<Button onClick={() => filterProps.onChange({ detail: { filteringText: '' } } as never)}>Clear the filter</Button>} />
      ),
    },
    sorting: {},
    selection: { trackBy: (row) => row.trail.TrailARN },
  });
  const selected = collectionProps.selectedItems?.[0];
  const row = selected && data?.rows.find(({ trail }) => trail.TrailARN === selected.trail.TrailARN);

  const columns: TableProps.ColumnDefinition<TrailRow>[] = [
    {
      id: 'name',
      header: 'Name',
      cell: ({ trail }) => <AppLink href={trailPath(trail, session)}>{trail.Name}</AppLink>,
      sortingField: 'name',
      sortingComparator: by(({ trail }) => trail.Name),
      isRowHeader: true,
      minWidth: 120,
    },
    { id: 'status', header: 'Status', cell: ({ logging, problems }) => <LoggingText logging={logging} problems={problems} />, sortingComparator: by(({ logging }) => String(logging)), minWidth: 150 },
    {
      id: 'region',
      header: 'Home region',
      cell: ({ trail }) => (
        <SpaceBetween direction="horizontal" size="xs">
          <span>{trail.HomeRegion}</span>
          {trail.IsMultiRegionTrail && trail.HomeRegion !== session.region && <Badge>Shadow trail</Badge>}
        </SpaceBetween>
      ),
      sortingComparator: by(({ trail }) => trail.HomeRegion),
      minWidth: 130,
    },
    { id: 'multiRegion', header: 'Multi-region', cell: ({ trail }) => yesNo(trail.IsMultiRegionTrail), minWidth: 110 },
    { id: 'insights', header: 'Insights', cell: ({ trail }) => (trail.HasInsightSelectors ? 'On' : 'Off'), minWidth: 90 },
    { id: 'bucket', header: 'Bucket', cell: ({ trail }) => <span className="breakable">{trail.S3BucketName}</span>, sortingComparator: by(({ trail }) => trail.S3BucketName), minWidth: 160 },
    { id: 'prefix', header: 'Prefix', cell: ({ trail }) => <span className="breakable">{trail.S3KeyPrefix || '-'}</span>, minWidth: 120 },
    { id: 'kms', header: 'KMS key', cell: ({ trail }) => <span className="breakable">{trail.KmsKeyId || '-'}</span>, minWidth: 180 },
    { id: 'topic', header: 'SNS topic', cell: ({ trail }) => <span className="breakable">{trail.SnsTopicARN?.split(':').pop() || '-'}</span>, minWidth: 120 },
    {
      id: 'lag',
      header: 'Delivery lag',
      cell: ({ delivery }) => (delivery ? formatDuration(delivery.lagSeconds) : '-'),
      sortingComparator: (a, b) => (a.delivery?.lagSeconds ?? -1) - (b.delivery?.lagSeconds ?? -1),
      minWidth: 120,
    },
    { id: 'delivered', header: 'Last delivery', cell: ({ latestDelivery }) => <Ago time={latestDelivery} />, sortingComparator: (a, b) => at(a.latestDelivery) - at(b.latestDelivery), minWidth: 130 },
    { id: 'digest', header: 'Last digest', cell: ({ latestDigest }) => <Ago time={latestDigest} />, sortingComparator: (a, b) => at(a.latestDigest) - at(b.latestDigest), minWidth: 130 },
    {
      id: 'errors',
      header: 'Errors',
      cell: ({ problems }) =>
        problems.length ? (
          <Popover header="What does not work" content={<ProblemList problems={problems} />} size="large" triggerType="text" dismissAriaLabel="Close">
            <StatusIndicator type="error">{problems.map((problem) => problem.error).join(', ')}</StatusIndicator>
          </Popover>
        ) : (
          '-'
        ),
      minWidth: 200,
    },
  ];

  const ask = (action: TrailAction) => row && setAsked({ row, action });
  return (
    <Page title="Trails" header={null} contentType="table">
      <SpaceBetween size="m">
        {error !== undefined && <LoadError what="The trails could not be listed" error={error} onRetry={reload} />}
        {data?.deliveriesError !== undefined && <LoadError what="How the deliveries stand is not known" error={data.deliveriesError} />}
        {data?.s3 === 'off' && <Alert type="warning">The server delivers to no S3 (--s3 off): log files wait on its disk.</Alert>}
        <Table
          {...collectionProps}
          variant="full-page"
          stickyHeader
          items={items}
          columnDefinitions={columns}
          columnDisplay={columnIds.map((id) => ({ id, visible: id === 'name' || visible.includes(id) }))}
          loading={loading && !data}
          loadingText="Loading trails"
          enableKeyboardNavigation
          selectionType="single"
          ariaLabels={{
            tableLabel: 'Trails',
            selectionGroupLabel: 'Choose a trail',
            itemSelectionLabel: (_, { trail }) => `Choose trail ${trail.Name} of ${trail.HomeRegion}`,
            allItemsSelectionLabel: () => 'Choose all',
          }}
          header={
            <Header
              variant="awsui-h1-sticky"
              counter={data ? `(${formatNumber(data.rows.length)})` : undefined}
              description="Log files of this account’s events, in a bucket and signed."
              actions={
                <SpaceBetween direction="horizontal" size="xs">
                  <Button iconName="refresh" ariaLabel="Refresh" onClick={reload} loading={loading} />
                  <ButtonDropdown
                    disabled={!row}
                    items={[
                      { id: 'start', text: 'Start logging', disabled: row?.logging === true },
                      { id: 'stop', text: 'Stop logging', disabled: row?.logging === false },
                      { id: 'edit', text: 'Edit' },
                      { id: 'delete', text: 'Delete' },
                    ]}
                    onItemClick={({ detail }) => {
                      if (detail.id === 'edit' && row) navigate(editPath(row.trail, session, 'attributes'));
                      else ask(detail.id as TrailAction);
                    }}
                  >
                    Actions
                  </ButtonDropdown>
                  <Button variant="primary" href={paths.newTrail} onFollow={follow}>
                    Create trail
                  </Button>
                </SpaceBetween>
              }
            >
              Trails
            </Header>
          }
          filter={
            <TextFilter
              {...filterProps}
              filteringPlaceholder="Find by name, region, bucket, key, topic or error"
              filteringAriaLabel="Find trails"
              countText={filteredItemsCount === undefined ? undefined : `${formatNumber(filteredItemsCount)} found`}
            />
          }
          preferences={
            <CollectionPreferences
              title="Columns"
              confirmLabel="Apply"
              cancelLabel="Cancel"
              preferences={{ contentDisplay: columnIds.map((id) => ({ id, visible: id === 'name' || visible.includes(id) })) }}
              contentDisplayPreference={{
                title: 'Shown columns',
                options: columns.map(({ id, header }) => ({ id: id!, label: String(header), alwaysVisible: id === 'name' })),
              }}
              onConfirm={({ detail }) => setVisible((detail.contentDisplay ?? []).filter((column) => column.visible).map((column) => column.id))}
            />
          }
        />
      </SpaceBetween>
      {asked && (
        <TrailActionModal
          trail={asked.row.trail}
          action={asked.action}
          onClose={() => setAsked(undefined)}
          onDone={() => {
            setAsked(undefined);
            reload();
          }}
        />
      )}
    </Page>
  );
}

/** How long ago, with the time itself beside it for whoever asks. */
function Ago({ time }: { time: string | number | undefined }) {
  if (!time) return <>-</>;
  return (
    <Popover triggerType="text" size="small" content={<TimeText time={time} />} dismissButton={false}>
      {formatAgo(time)}
    </Popover>
  );
}

function at(time: string | number | undefined): number {
  return time ? new Date(time).getTime() : 0;
}

function yesNo(value: boolean | undefined) {
  return <Box>{value ? 'Yes' : 'No'}</Box>;
}

function by(value: (row: TrailRow) => string) {
  return (a: TrailRow, b: TrailRow) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0);
}
