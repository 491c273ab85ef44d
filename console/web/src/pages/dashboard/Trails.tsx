import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { getDeliveries, TrailDelivery } from '@/api/trails';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { AppLink, useFollow } from '@/components/AppLink';
import { EmptyState } from '@/components/EmptyState';
import { formatAgo, formatBytes, formatCount, formatDuration } from '@/components/format';
import { LoadError } from '@/components/LoadError';
import type { Loaded } from '@/components/useLoad';
import { longLag } from './state';

const shown = 10;

/** The trails with how their deliveries stand, those with problems first. */
export function Trails({ data, error, loading, reload }: Loaded<Awaited<ReturnType<typeof getDeliveries>>>) {
  const follow = useFollow();
  const trails = [...(data?.trails ?? [])].sort((a, b) => troubleOf(b) - troubleOf(a) || b.lagSeconds - a.lagSeconds);
  return (
    <Table
      variant="container"
      header={
        <Header variant="h2" counter={data ? `(${trails.length})` : undefined} actions={<Button href={paths.trails} onFollow={follow} ariaLabel="View all trails">View all</Button>}>
          Trails
        </Header>
      }
      items={trails.slice(0, shown)}
      trackBy="trailArn"
      loading={loading && !data}
      loadingText="Loading the trails"
      enableKeyboardNavigation
      wrapLines
      ariaLabels={{ tableLabel: 'Trails' }}
      empty={
        error ? (
          <LoadError what="The trails could not be loaded" error={error} onRetry={reload} />
        ) : (
          <EmptyState title="No trails" action={<Button href={paths.newTrail} onFollow={follow}>Create trail</Button>}>
            A trail delivers events to a bucket, as signed log files.
          </EmptyState>
        )
      }
      footer={error && data ? <LoadError what="The trails could not be loaded again" error={error} onRetry={reload} /> : undefined}
      columnDefinitions={[
        { id: 'name', header: 'Name', isRowHeader: true, minWidth: 110, cell: (trail) => <Name trail={trail} /> },
        { id: 'status', header: 'Status', minWidth: 150, cell: (trail) => <Status trail={trail} /> },
        { id: 'lag', header: 'Lag', minWidth: 110, cell: (trail) => <Lag trail={trail} /> },
        { id: 'delivered', header: 'Last delivered', minWidth: 120, cell: (trail) => <Delivered trail={trail} /> },
      ]}
    />
  );
}

/** Trails of other accounts, which operators see here too, have no page: CloudTrail's API is for the caller's own. */
function Name({ trail }: { trail: TrailDelivery }) {
  const { identity, region } = useSession();
  const [, , , home = '', account = ''] = trail.trailArn.split(':');
  const name = <span className="breakable">{trail.name}</span>;
  if (account && account !== identity.accountId) {
    return (
      <SpaceBetween size="xxs">
        {name}
        <Box variant="small" color="text-body-secondary">account {account}</Box>
      </SpaceBetween>
    );
  }
  return <AppLink href={paths.trail(trail.name) + (home && home !== region ? `?${new URLSearchParams({ region: home })}` : '')}>{name}</AppLink>;
}

function Status({ trail }: { trail: TrailDelivery }) {
  const problem = trail.problems?.[0];
  if (problem) {
    return (
      <SpaceBetween size="xxs">
        <StatusIndicator type={trail.isLogging ? 'warning' : 'error'}>{trail.isLogging ? 'Logging, with problems' : 'Off, with problems'}</StatusIndicator>
        <Box variant="small" color="text-body-secondary"><span className="breakable">{problem.error}</span></Box>
      </SpaceBetween>
    );
  }
  return trail.isLogging ? <StatusIndicator type="success">Logging</StatusIndicator> : <StatusIndicator type="stopped">Off</StatusIndicator>;
}

function Lag({ trail }: { trail: TrailDelivery }) {
  const { staged } = trail;
  const text = trail.lagSeconds > 0 ? formatDuration(trail.lagSeconds) : 'none';
  return (
    <SpaceBetween size="xxs">
      <span>{trail.lagSeconds > longLag ? <StatusIndicator type="warning">{text}</StatusIndicator> : text}</span>
      {staged.files > 0 && (
        <Box variant="small" color="text-body-secondary">
          {formatCount(staged.files, 'file')} ({formatBytes(staged.bytes)}) waiting
        </Box>
      )}
    </SpaceBetween>
  );
}

function Delivered({ trail }: { trail: TrailDelivery }) {
  const digests = (trail.digestChains ?? []).map((chain) => chain.newestDigestEnd ?? '').sort();
  const digest = digests.at(-1);
  return (
    <SpaceBetween size="xxs">
      <span>{trail.latestDelivery ? formatAgo(trail.latestDelivery) : 'Nothing yet'}</span>
      {digest && (
        <Box variant="small" color="text-body-secondary">
          digest {formatAgo(digest)}
        </Box>
      )}
    </SpaceBetween>
  );
}

function troubleOf(trail: TrailDelivery): number {
  return (trail.problems?.length ?? 0) > 0 ? 2 : trail.lagSeconds > longLag ? 1 : 0;
}
