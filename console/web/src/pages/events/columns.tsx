import Icon from '@cloudscape-design/components/icon';
import Link from '@cloudscape-design/components/link';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Badge from '@cloudscape-design/components/badge';
import type { CollectionPreferencesProps } from '@cloudscape-design/components/collection-preferences';
import type { TableProps } from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import { summarize, textAt, type FoundEvent, type RecordSummary } from '@/api/record';
import { paths } from '@/app/paths';
import type { useFollow } from '@/components/AppLink';
import { resourcesOf } from '@/components/event/resources';
import { formatNumber } from '@/components/format';
import { formatTime, type TimeZoneChoice } from '@/components/TimeText';
import { visible } from '@/components/visible';

/** What all cells share: taken once for the table, not in each cell. */
export interface Look {
  /** The widths that the user gave columns. */
  widths: Record<string, number>;
  zone: TimeZoneChoice;
  follow: ReturnType<typeof useFollow>;
}

interface Column {
  id: string;
  label: string;
  width: number;
  cell: (event: FoundEvent, said: RecordSummary, look: Look) => ReactNode;
  /** Shown until the user chooses. */
  first?: boolean;
}

const text = (id: string, label: string, width: number, read: (said: RecordSummary, event: FoundEvent) => string, first = false): Column => ({
  id,
  label,
  width,
  first,
  cell: (event, said) => shortened(read(said, event)),
});

const columns: Column[] = [
  {
    id: 'eventName',
    label: 'Event name',
    width: 185,
    first: true,
    cell: (_, said, { follow }) => (
      <>
        {said.eventId ? (
          <Link href={paths.event(said.eventId)} onFollow={follow}>
            {shortened(said.eventName)}
          </Link>
        ) : (
          shortened(said.eventName)
        )}
        {/* The column of the error code may be out of sight. */}
        {said.failure && (
          <>
            {' '}
            <Icon name="status-negative" variant="error" ariaLabel="Failed" />
          </>
        )}
      </>
    ),
  },
  { id: 'eventTime', label: 'Event time', width: 205, first: true, cell: (_, said, { zone }) => timeText(said.eventTime, zone) },
  text('username', 'User name', 125, (said) => said.userName, true),
  text('sourceIPAddress', 'Source address', 150, (said) => said.sourceIPAddress, true),
  text('eventSource', 'Event source', 170, (said) => said.eventSource, true),
  { id: 'errorCode', label: 'Error code', width: 145, first: true, cell: (_, said) => (said.failure ? <StatusIndicator type="error">{shortened(said.failure)}</StatusIndicator> : '-') },
  text('resourceName', 'Resource name', 230, (_, event) => joined(event, 'name'), true),
  text('resourceType', 'Resource type', 180, (_, event) => joined(event, 'type'), true),
  text('region', 'Region', 130, (said) => said.region),
  text('account', 'Account', 140, (said) => said.account),
  text('readOnly', 'Read-only', 110, (said) => said.readOnly),
  text('accessKeyId', 'Access key ID', 210, (said) => said.accessKeyId),
  text('identityType', 'Identity type', 140, (said) => said.identityType),
  text('identityArn', 'Identity ARN', 320, (said) => said.identityArn),
  text('userAgent', 'User agent', 260, (said) => said.userAgent),
  text('errorMessage', 'Error message', 300, (said) => said.errorMessage),
  text('category', 'Category', 130, (said) => said.category),
  text('eventType', 'Event type', 150, (_, event) => textAt(event.record, 'eventType')),
  text('requestId', 'Request ID', 300, (said) => said.requestId),
  text('eventId', 'Event ID', 300, (said) => said.eventId),
  { id: 'origin', label: 'Origin', width: 120, cell: (event) => <Badge color={event.origin === 'recorded' ? 'green' : event.origin === 'gateway' ? 'blue' : 'grey'}>{visible(event.origin)}</Badge> },
  text('flags', 'Flags', 110, (_, event) => event.flags.join(', ')),
  { id: 'arrival', label: 'Arrived', width: 205, cell: (event, _, { zone }) => timeText(event.arrival, zone) },
  { id: 'seq', label: 'Place in the log', width: 140, cell: (event) => formatNumber(event.seq) },
];

export const columnOptions: CollectionPreferencesProps.ContentDisplayOption[] = columns.map(({ id, label }) => ({ id, label, alwaysVisible: id === 'eventName' }));

export const firstDisplay: readonly CollectionPreferencesProps.ContentDisplayColumn[] = columns.map(({ id, first = false }) => ({ id, visible: first }));

/** The columns of the table. */
export function columnDefinitions(look: Look): TableProps.ColumnDefinition<FoundEvent>[] {
  return columns.map(({ id, label, width, cell }) => ({
    id,
    header: label,
    width: look.widths[id] ?? width,
    minWidth: 90,
    isRowHeader: id === 'eventName',
    sortingField: id === 'eventTime' ? 'eventTime' : undefined,
    cell: (event) => cell(event, summarize(event.record), look),
  }));
}

/** What was saved, without columns that there are not any more and with those that are new. */
export function displayOf(saved: readonly CollectionPreferencesProps.ContentDisplayColumn[]): CollectionPreferencesProps.ContentDisplayColumn[] {
  const known = saved.filter(({ id }) => columns.some((column) => column.id === id));
  return [...known, ...firstDisplay.filter(({ id }) => !known.some((column) => column.id === id)).map(({ id }) => ({ id, visible: false }))];
}

function joined(event: FoundEvent, what: 'type' | 'name'): string {
  const values = resourcesOf(event)
    .map((resource) => resource[what])
    .filter((value) => value !== '');
  return [...new Set(values)].slice(0, 5).join(', ');
}

function timeText(time: string, zone: TimeZoneChoice): ReactNode {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? shortened(time) : formatTime(at, zone);
}

const longest = 200;

function shortened(value: string): string {
  if (!value) return '-';
  return visible(value.length > longest ? `${value.slice(0, longest)}…` : value);
}
