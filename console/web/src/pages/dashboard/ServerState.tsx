import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ServerOverview } from '@/api/overview';
import { AppLink } from '@/components/AppLink';
import { paths } from '@/app/paths';
import { formatBytes, formatCount, formatDuration, formatNumber } from '@/components/format';
import { lowDisk } from './state';

const s3Names = { own: "the server's own S3", other: 'an S3 elsewhere', off: 'switched off' } as const;

/** How the server stands, for operators: the event log, deliveries, the disk. */
export function ServerState({ server }: { server: ServerOverview }) {
  const { log, deliveries, disk } = server;
  const bad = (n: number, text: string) => (n > 0 ? <StatusIndicator type="warning">{text}</StatusIndicator> : text);
  return (
    <Container
      header={
        <Header variant="h2" description={<>Shown to operators. More in the <AppLink href={`${paths.settings}?tab=server`} fontSize="body-s">settings of the server</AppLink>.</>}>
          Server
        </Header>
      }
    >
      <KeyValuePairs
        columns={3}
        minColumnWidth={220}
        items={[
          {
            type: 'group',
            title: 'Event log',
            items: [
              { label: 'Health', value: server.problem ? <StatusIndicator type="error">Events cannot be written</StatusIndicator> : <StatusIndicator type="success">Events can be written</StatusIndicator> },
              { label: 'Events', value: `${formatNumber(log.events)}, ${formatBytes(log.rawBytes)} on ${formatBytes(log.diskBytes)} of disk` },
              {
                label: 'Segments',
                value: bad(log.damagedSegments, `${formatNumber(log.segments)}, ${formatNumber(log.sealedSegments)} sealed, ${formatNumber(log.waitingSegments)} waiting, ${formatNumber(log.damagedSegments)} damaged`),
              },
              {
                label: 'Since the start',
                value: bad(
                  log.quarantinedSinceStart,
                  `${formatNumber(log.storedSinceStart)} stored, ${formatCount(log.doublesSinceStart, 'double')}, ${formatNumber(log.quarantinedSinceStart)} quarantined`,
                ),
              },
            ],
          },
          {
            type: 'group',
            title: 'Deliveries',
            items: [
              { label: 'To', value: s3Names[deliveries.s3] ?? deliveries.s3 },
              { label: 'Oldest event or file not dealt with', value: deliveries.lagSeconds > 0 ? formatDuration(deliveries.lagSeconds) : 'none' },
              { label: 'Backlog', value: `${formatCount(deliveries.waitingFiles, 'file')} (${formatBytes(deliveries.waitingBytes)}), ${formatCount(deliveries.waitingDigests, 'digest')}` },
              { label: 'Longest time since a digest', value: deliveries.digestAgeSeconds > 0 ? formatDuration(deliveries.digestAgeSeconds) : 'no digest yet' },
              {
                label: 'Since the start',
                value: bad(deliveries.failuresSinceStart + deliveries.givenUpSinceStart, `${formatCount(deliveries.failuresSinceStart, 'failure')}, ${formatNumber(deliveries.givenUpSinceStart)} given up`),
              },
            ],
          },
          {
            type: 'group',
            title: 'Machine',
            items: [
              { label: 'Disk', value: disk.freeBytes === undefined ? 'not known' : bad(lowDisk(disk) ? 1 : 0, `${formatBytes(disk.freeBytes)} free, ${formatBytes(disk.reserveBytes)} of it in reserve`) },
              { label: 'Retention', value: server.retention === '0' ? 'for ever' : server.retention },
              { label: 'Running', value: `version ${server.version || 'unknown'}, for ${formatDuration(server.uptimeSeconds)}` },
            ],
          },
        ]}
      />
    </Container>
  );
}
