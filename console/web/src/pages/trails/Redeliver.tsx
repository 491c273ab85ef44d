import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import type { DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Pagination from '@cloudscape-design/components/pagination';
import RadioGroup from '@cloudscape-design/components/radio-group';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { Trail } from '@/api/cloudtrail';
import { isAbort } from '@/api/http';
import { type Redelivered, redeliver, type RedeliverInput, type RedeliverOutcome } from '@/api/trails';
import { useSession } from '@/app/session';
import { ErrorAlert } from '@/components/ErrorAlert';
import { formatCount, formatNumber } from '@/components/format';
import { visible } from '@/components/visible';
import { RangeInput, timesOf } from './RangeInput';

const outcomes: Record<RedeliverOutcome, StatusIndicatorProps.Type> = {
  restored: 'success',
  'was there': 'success',
  'put again': 'success',
  delivered: 'success',
  new: 'success',
  waiting: 'pending',
  refused: 'error',
  different: 'warning',
  failed: 'error',
};
const pageSize = 25;
const maxRows = 5000;
type Row = Redelivered & { n: number; key: string };

/** Brings back log files and digests that are missing or changed, as they were. */
export function Redeliver({ trail, firstKey, onOpen }: { trail: Trail; firstKey: string; onOpen: (key: string) => void }) {
  const { identity } = useSession();
  const [by, setBy] = useState<'time' | 'key'>(firstKey ? 'key' : 'time');
  const [range, setRange] = useState<DateRangePickerProps.Value | null>({ type: 'relative', amount: 1, unit: 'day' });
  const [key, setKey] = useState(firstKey);
  const [asNew, setAsNew] = useState(false);
  const [page, setPage] = useState(1);
  const [state, setState] = useState<{ running: boolean; rows: Row[]; counts?: Partial<Record<RedeliverOutcome, number>>; error?: unknown }>({ running: false, rows: [] });
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const ready = by === 'key' ? key.trim() !== '' : range !== null;
  const run = async () => {
    if (!ready) return;
    stop.current?.abort();
    const control = (stop.current = new AbortController());
    setState({ running: true, rows: [] });
    setPage(1);
    const input: RedeliverInput = { trail: trail.TrailARN, ...(by === 'key' ? { key: key.trim() } : { ...timesOf(range), asNew }), ...(identity.operator && { account: identity.accountId }) };
    const rows: Row[] = [];
    let shown = 0;
    try {
      const lines = redeliver(input, { signal: control.signal });
      for (;;) {
        const { value, done } = await lines.next();
        if (done) {
          setState({ running: false, rows, counts: value });
          return;
        }
        // What is beyond is in the counts.
        if (rows.length < maxRows) rows.push({ ...value, n: rows.length, key: value.file?.s3Key ?? (value.digest as { s3Key?: string } | undefined)?.s3Key ?? '' });
        if (performance.now() - shown > 200) {
          shown = performance.now();
          setState({ running: true, rows: [...rows] });
        }
      }
    } catch (error) {
      if (stop.current === control) setState({ running: false, rows, error: isAbort(error) ? undefined : error });
    }
  };

  const { running, rows, counts, error } = state;
  // What was there already is the least of it.
  const sorted = useMemo(() => [...rows.filter(({ outcome }) => outcome !== 'was there'), ...rows.filter(({ outcome }) => outcome === 'was there')], [rows]);
  return (
    <SpaceBetween size="m">
      <Container
        header={
          <Header variant="h2" description="Makes log files again from the event log, and puts them under the keys that they had, if they have the bytes that digests know.">
            Redeliver
          </Header>
        }
      >
        <SpaceBetween size="m">
          <RadioGroup
            ariaLabel="What is delivered again"
            value={by}
            onChange={({ detail }) => setBy(detail.value as 'time' | 'key')}
            items={[
              { value: 'time', label: 'The files and digests of a time' },
              { value: 'key', label: 'The one with a key' },
            ]}
          />
          {by === 'time' ? (
            <SpaceBetween size="s">
              <RangeInput value={range} onChange={setRange} placeholder="Choose a time range" ariaLabel="Time range that is delivered again" />
              <Checkbox checked={asNew} onChange={({ detail }) => setAsNew(detail.checked)} description="By the trail’s present settings, as if it had been logging.">
                New files for events that no file has
              </Checkbox>
            </SpaceBetween>
          ) : (
            <FormField label="Key" stretch>
              <Input value={key} onChange={({ detail }) => setKey(detail.value)} placeholder="AWSLogs/…" spellcheck={false} autoComplete={false} />
            </FormField>
          )}
          <SpaceBetween direction="horizontal" size="xs">
            {running ? (
              <Button onClick={() => stop.current?.abort()}>Cancel</Button>
            ) : (
              <Button onClick={run} disabled={!ready}>
                Redeliver
              </Button>
            )}
          </SpaceBetween>
          <div aria-live="polite">{running && <StatusIndicator type="in-progress">{formatCount(rows.length, 'file')} dealt with</StatusIndicator>}</div>
          <ErrorAlert what="The redelivery did not come to its end" error={error} />
          {counts && (
            <Alert type={counts.failed || counts.refused ? 'error' : counts.different ? 'warning' : 'success'}>
              {Object.keys(counts).length === 0
                ? 'There was nothing to deliver again.'
                : Object.entries(counts)
                    .map(([outcome, n]) => `${formatNumber(n)} ${outcome === 'was there' && n !== 1 ? 'were there' : outcome}`)
                    .join(', ')}
            </Alert>
          )}
        </SpaceBetween>
      </Container>
      {rows.length > 0 && (
        <Table
          header={<Header variant="h2" counter={`(${formatNumber(rows.length)})`}>Outcome</Header>}
          items={sorted.slice((page - 1) * pageSize, page * pageSize)}
          trackBy={(row) => String(row.n)}
          wrapLines
          ariaLabels={{ tableLabel: 'Outcome of the redelivery' }}
          pagination={
            rows.length > pageSize && (
              <Pagination
                currentPageIndex={page}
                pagesCount={Math.ceil(rows.length / pageSize)}
                onChange={({ detail }) => setPage(detail.currentPageIndex)}
                ariaLabels={{ paginationLabel: 'Pages of the outcome', nextPageLabel: 'Next page', previousPageLabel: 'Previous page', pageLabel: (n) => `Page ${n}` }}
              />
            )
          }
          columnDefinitions={[
            { id: 'outcome', header: 'Outcome', cell: ({ outcome }) => <StatusIndicator type={outcomes[outcome] ?? 'info'}>{outcome}</StatusIndicator>, minWidth: 130 },
            {
              id: 'key',
              header: 'File',
              isRowHeader: true,
              minWidth: 240,
              cell: ({ key, file }) =>
                key ? (
                  <Button variant="inline-link" onClick={() => onOpen(key)} ariaLabel={`Open ${visible(key)}`}>
                    <span className="breakable">{visible(key)}</span>
                  </Button>
                ) : (
                  (file?.id ?? '-')
                ),
            },
            { id: 'why', header: 'Why', cell: ({ why }) => <span className="breakable">{why || '-'}</span>, minWidth: 160 },
          ]}
        />
      )}
    </SpaceBetween>
  );
}
