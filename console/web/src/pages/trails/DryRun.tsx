import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Checkbox from '@cloudscape-design/components/checkbox';
import type { DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useEffect, useRef, useState } from 'react';
import { isAbort } from '@/api/http';
import { dryRun, type DryRunProgress, type DryRunResult, type DryRunSample } from '@/api/proofs';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { ErrorAlert } from '@/components/ErrorAlert';
import { formatBytes, formatCount, formatNumber } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { visible } from '@/components/visible';
import { RangeInput, timesOf } from './RangeInput';
import { type SelectorForm, toAPI } from './selectorForm';

/** Tries the chosen selectors on past events: what a trail would have taken, and how much that is a day. */
export function DryRun({ selectors, region, globals, disabled }: { selectors: SelectorForm; region?: string; globals: boolean; disabled: boolean }) {
  const [range, setRange] = useState<DateRangePickerProps.Value | null>({ type: 'relative', amount: 1, unit: 'day' });
  const [imported, setImported] = useState(false);
  const [state, setState] = useState<{ running: boolean; of?: string; progress?: DryRunProgress; result?: DryRunResult; error?: unknown }>({ running: false });
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const question = { ...toAPI(selectors), region, includeGlobalServiceEvents: globals, imported, samples: 10 };
  const asked = JSON.stringify([question, range]);
  const run = async () => {
    stop.current?.abort();
    const control = (stop.current = new AbortController());
    setState({ running: true });
    try {
      const result = await dryRun({ ...question, ...timesOf(range) }, (progress) => setState((before) => ({ ...before, progress })), { signal: control.signal });
      setState({ running: false, result, of: asked });
    } catch (error) {
      if (stop.current === control) setState(isAbort(error) ? { running: false } : { running: false, error });
    }
  };

  const { running, progress, result, error, of } = state;
  return (
    <Container
      header={
        <Header variant="h2" description="What these choices would have taken of the events that are here already.">
          Dry run
        </Header>
      }
    >
      <SpaceBetween size="m">
        <div className="trails-row">
          <RangeInput value={range} onChange={setRange} placeholder="The last day" ariaLabel="Time range of the dry run" />
          <Checkbox checked={imported} onChange={({ detail }) => setImported(detail.checked)}>
            Imported events, too
          </Checkbox>
          {running ? (
            <Button onClick={() => stop.current?.abort()}>Cancel</Button>
          ) : (
            <Button onClick={run} disabled={disabled} disabledReason="Correct the choices first.">
              Try on past events
            </Button>
          )}
        </div>
        <div aria-live="polite">
          {running && (
            <StatusIndicator type="in-progress">
              {progress ? (
                <>
                  {formatCount(progress.scanned, 'event')} read, {formatNumber(progress.matched)} would be taken, back to <TimeText time={progress.at} />
                </>
              ) : (
                'Reading past events'
              )}
            </StatusIndicator>
          )}
        </div>
        <ErrorAlert what="The dry run failed" error={error} onRetry={run} />
        {result && of !== asked && <Alert type="info">The choices have changed since this dry run.</Alert>}
        {result && <Result result={result} />}
      </SpaceBetween>
    </Container>
  );
}

function Result({ result }: { result: DryRunResult }) {
  const names = result.names.filter(({ matched }) => matched > 0);
  const most = Math.max(1, ...names.map(({ matchedBytes }) => matchedBytes));
  return (
    <SpaceBetween size="m">
      <ColumnLayout columns={1}>
        <KeyValuePairs
          columns={4}
          items={[
            { label: 'Would be taken', value: `${formatNumber(result.matched)} of ${formatCount(result.scanned, 'event')}` },
            { label: 'Events a day', value: formatNumber(Math.round(result.eventsPerDay)) },
            { label: 'In the bucket a day', value: result.gzipBytesPerDay ? `about ${formatBytes(Math.round(result.gzipBytesPerDay))}` : formatBytes(0) },
            { label: 'Unpacked a day', value: formatBytes(Math.round(result.rawBytesPerDay)) },
          ]}
        />
      </ColumnLayout>
      <Box color="text-body-secondary">
        From <TimeText time={result.since} /> to <TimeText time={result.until} />.
        {result.importedLeftOut > 0 && ` ${formatNumber(result.importedLeftOut)} imported events are left out, as trails do.`}
      </Box>
      {result.damage?.map((text) => (
        <Alert key={text} type="warning">
          {text}
        </Alert>
      ))}
      {names.length > 0 && (
        <Table
          variant="embedded"
          items={names.slice(0, 10)}
          ariaLabels={{ tableLabel: 'Names that would be taken most' }}
          columnDefinitions={[
            { id: 'name', header: 'Source and name', cell: ({ value }) => <span className="breakable">{visible(value)}</span>, isRowHeader: true, minWidth: 180 },
            { id: 'events', header: 'Events', cell: ({ matched }) => formatNumber(matched), minWidth: 80 },
            { id: 'bytes', header: 'Unpacked', cell: ({ matchedBytes }) => formatBytes(matchedBytes), minWidth: 90 },
            {
              id: 'share',
              header: 'Share',
              minWidth: 90,
              cell: ({ matchedBytes }) => (
                <div className="trails-bar" aria-hidden="true">
                  <div style={{ inlineSize: `${(matchedBytes / most) * 100}%` }} />
                </div>
              ),
            },
          ]}
        />
      )}
      <ExpandableSection headerText="Some that would be taken, and why" headerCounter={`(${result.taken.length})`}>
        <Samples samples={result.taken} label="Events that would be taken" />
      </ExpandableSection>
      <ExpandableSection headerText="Some that would not, and why" headerCounter={`(${result.notTaken.length})`}>
        <Samples samples={result.notTaken} label="Events that would not be taken" />
      </ExpandableSection>
    </SpaceBetween>
  );
}

function Samples({ samples, label }: { samples: readonly DryRunSample[]; label: string }) {
  return (
    <Table
      variant="embedded"
      items={[...samples]}
      ariaLabels={{ tableLabel: label }}
      empty="None."
      columnDefinitions={[
        { id: 'name', header: 'Event', cell: (sample) => <AppLink href={paths.event(sample.eventId)}>{visible(sample.eventName)}</AppLink>, isRowHeader: true, minWidth: 140 },
        { id: 'why', header: 'Why', cell: ({ why }) => <span className="breakable">{why}</span>, minWidth: 200 },
        { id: 'source', header: 'Source', cell: ({ eventSource }) => visible(eventSource), minWidth: 160 },
        { id: 'user', header: 'User', cell: ({ username }) => <span className="breakable">{username ? visible(username) : '-'}</span>, minWidth: 100 },
        { id: 'time', header: 'Time', cell: ({ eventTime }) => <TimeText time={eventTime} />, minWidth: 170 },
      ]}
    />
  );
}
