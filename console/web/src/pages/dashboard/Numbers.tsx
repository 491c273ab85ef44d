import Container from '@cloudscape-design/components/container';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import type { Bucket } from '@/api/events';
import type { Overview } from '@/api/overview';
import type { TrailDelivery } from '@/api/trails';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { formatAgo, formatBytes, formatDuration, formatNumber } from '@/components/format';
import { visible } from '@/components/visible';
import { longLag, lowDisk } from './state';

/** The few numbers that one looks at first. "all" says that it is about all accounts. */
export function Numbers({ overview, trails, all, search }: { overview: Overview; trails: TrailDelivery[] | undefined; all: boolean; search(conditions: Record<string, string>): string }) {
  const { hours, minutes, failures, newest, server, time } = overview;
  const now = new Date(time).getTime();
  const first = hours?.[0]?.start ?? new Date(now - 23 * 3_600_000).toISOString();
  const lag = trails?.length ? Math.max(...trails.map((trail) => trail.lagSeconds)) : server?.deliveries.lagSeconds;
  // Operators see what the server takes in, all others what happened in their account: two meanings, and each has its words.
  const rate = server && all ? server.log.arrivedLastQuarterHour / 15 : sum(minutes) / 60;
  return (
    <Container>
      <dl className="dashboard-numbers">
        <Figure label={server && all ? 'Ingest rate' : 'Event rate'} detail={server && all ? 'arrived, over the last 15 minutes' : 'happened, over the last hour'}>
          {rate >= 10 ? formatNumber(Math.round(rate)) : rate.toFixed(1)} <small>a minute</small>
        </Figure>
        <Figure label="Events" detail="in 24 hours">
          <AppLink href={search({ since: first })} fontSize="heading-xl">
            {formatNumber(sum(hours))}
          </AppLink>
        </Figure>
        <Figure label="Failed calls" detail="in 24 hours">
          <AppLink href={search({ since: first, errorOnly: 'true' })} fontSize="heading-xl">
            {formatNumber(sum(failures))}
          </AppLink>
        </Figure>
        <Figure label="Newest event" detail={newest && <AppLink href={paths.event(newest.eventId)} fontSize="body-s"><span className="breakable">{visible(newest.eventName || newest.eventId)}</span></AppLink>}>
          {newest ? formatAgo(newest.eventTime, now) : '-'}
        </Figure>
        {overview.trails && (
          <Figure label="Trails logging" detail={overview.trails.trails === 0 ? 'There is no trail.' : `of ${formatNumber(overview.trails.trails)}`}>
            <AppLink href={paths.trails} fontSize="heading-xl">
              {formatNumber(overview.trails.logging)}
            </AppLink>
          </Figure>
        )}
        {lag !== undefined && (
          <Figure
            label="Delivery lag"
            detail={lag > longLag ? <StatusIndicator type="warning">Too long</StatusIndicator> : 'age of the oldest event that is in no bucket'}
          >
            {lag > 0 ? formatDuration(lag) : 'none'}
          </Figure>
        )}
        {server?.disk.freeBytes !== undefined && (
          <Figure
            label="Disk headroom"
            detail={lowDisk(server.disk) ? <StatusIndicator type="warning">Nearly full</StatusIndicator> : `above the reserve of ${formatBytes(server.disk.reserveBytes)}`}
          >
            {formatBytes(Math.max(0, server.disk.freeBytes - server.disk.reserveBytes))}
          </Figure>
        )}
      </dl>
    </Container>
  );
}

function Figure({ label, detail, children }: { label: string; detail?: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd className="dashboard-value">{children}</dd>
      {detail && <dd className="dashboard-detail">{detail}</dd>}
    </div>
  );
}

function sum(buckets: readonly Bucket[] | null): number {
  return (buckets ?? []).reduce((total, bucket) => total + bucket.count, 0);
}
