import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { summarize, type FoundEvent, type Origin } from '@/api/record';
import { explainEvent, type ExplainedTrail } from '@/api/trails';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { AppLink } from '@/components/AppLink';
import { CopyButton } from '@/components/CopyButton';
import { LoadError } from '@/components/LoadError';
import { formatNumber } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { useLoad } from '@/components/useLoad';
import { visible } from '@/components/visible';

const origins: Record<Origin, string> = {
  recorded: 'Recorded by this server, of a call to itself',
  gateway: 'Recorded by the gateway, of a call that went through it',
  posted: 'Sent by a producer that has an access key',
  imported: 'Imported from a log file',
  audit: 'Written by this server, about itself',
};

const flagTexts: Record<string, string> = {
  ahead: 'Dated more than 15 minutes ahead of its arrival',
  conflict: 'Its event ID is another record’s too, with other bytes',
};

/** Where an event came from, and which signed files have it: what one can rest on. */
export function EventEvidence({ event }: { event: FoundEvent }) {
  const { identity } = useSession();
  const { eventId, account } = summarize(event.record);
  const asked = identity.operator && account && account !== identity.accountId ? account : undefined;
  const { data, error, loading, reload } = useLoad(
    async (signal) => (eventId ? ((await explainEvent(eventId, { signal }, asked)).events ?? []) : []),
    [eventId, asked],
  );
  const trails = data?.flatMap((explanation) => explanation.trails ?? []) ?? [];
  return (
    <SpaceBetween size="m">
      {event.flags.map((flag) => (
        <Alert key={flag} type="warning">
          {flagTexts[flag] ?? visible(flag)}
        </Alert>
      ))}
      <KeyValuePairs
        columns={3}
        minColumnWidth={200}
        items={[
          { label: 'Origin', value: <>{origins[event.origin] ?? visible(event.origin)}</> },
          { label: 'Arrived', value: <TimeText time={event.arrival} /> },
          { label: 'Place in the log', value: <>{formatNumber(event.seq)}, a leaf of the log’s hash tree, which “cairn check” proves</> },
        ]}
      />
      <LoadError what="The files that have the event could not be found" error={error} onRetry={reload} />
      <Table
        variant="embedded"
        enableKeyboardNavigation
        loading={loading}
        loadingText="Looking in the delivered files"
        items={trails.slice(0, 100)}
        wrapLines
        ariaLabels={{ tableLabel: 'Trails and the event' }}
        empty={
          <Box color="text-body-secondary">
            {event.origin === 'imported' ? 'Imported events are not delivered to trails.' : 'No trail of the account delivers events to files.'}
          </Box>
        }
        columnDefinitions={[
          { id: 'trail', header: 'Trail', minWidth: 120, isRowHeader: true, cell: ({ name }) => <AppLink href={paths.trail(name)}>{visible(name)}</AppLink> },
          {
            id: 'state',
            header: 'Integrity',
            minWidth: 180,
            cell: (trail) => <StatusIndicator type={integrityOf(trail)[0]}>{integrityOf(trail)[1]}</StatusIndicator>,
          },
          { id: 'why', header: 'Why', minWidth: 160, cell: ({ why }) => visible(why) },
          { id: 'file', header: 'Log file', minWidth: 220, cell: ({ file }) => (file ? <Key text={file.s3Key} bucket={file.s3BucketName} /> : '-') },
          { id: 'digest', header: 'Digest', minWidth: 220, cell: ({ file }) => (file?.digest ? <Key text={file.digest} bucket={file.s3BucketName} /> : '-') },
        ]}
      />
    </SpaceBetween>
  );
}

function Key({ text, bucket }: { text: string; bucket: string }) {
  return (
    <span className="mono breakable">
      {visible(`${bucket}/${text}`)} <CopyButton text={`s3://${bucket}/${text}`} what="S3 address" />
    </span>
  );
}

/** What is known of an event's integrity in the files of a trail. */
function integrityOf(trail: ExplainedTrail): [StatusIndicatorProps.Type, string] {
  if (!trail.taken) return ['stopped', trail.settings === 'forgotten' && !trail.proven ? 'Probably not delivered' : 'Not delivered'];
  if (trail.pending) return ['pending', 'In the next file'];
  switch (trail.file?.state) {
    case 'in digest':
      return ['success', 'In a file that a signed digest lists'];
    case 'delivered':
    case 'notified':
      return ['in-progress', 'In a file; the next digest lists it'];
    case 'staged':
      return ['pending', 'In a file that waits for its bucket'];
    case 'abandoned':
      return ['error', 'In a file that was given up'];
    case undefined:
      return ['info', 'Taken; its file is not kept in the ledger any more'];
  }
}
