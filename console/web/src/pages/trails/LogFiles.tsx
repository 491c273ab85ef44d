import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import type { Trail } from '@/api/cloudtrail';
import { type FileState, getLogFiles, type LogFile } from '@/api/trails';
import { useSession } from '@/app/session';
import { EmptyState } from '@/components/EmptyState';
import { LoadError } from '@/components/LoadError';
import { formatBytes, formatCount, formatNumber } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { useNews } from '@/components/useNews';
import { useUrlState } from '@/components/urlState';
import { quote } from './shell';
import { fileName } from './trailData';

const states: Record<FileState, { label: string; type: StatusIndicatorProps.Type }> = {
  staged: { label: 'Waiting', type: 'pending' },
  delivered: { label: 'Delivered', type: 'success' },
  notified: { label: 'Notified', type: 'success' },
  'in digest': { label: 'In a digest', type: 'success' },
  abandoned: { label: 'Given up', type: 'error' },
};
const pageSize = 25;

/** The log files of a trail, the newest first. */
export function LogFiles({ trail, onOpen, opened }: { trail: Trail; onOpen: (key: string) => void; opened: string | null }) {
  const { identity } = useSession();
  const [params, setParams] = useUrlState();
  const wanted = params.get('state') as FileState | null;
  // Where each page begins, as far as they have been seen.
  const [starts, setStarts] = useState<(string | undefined)[]>([undefined]);
  const [page, setPage] = useState(1);
  const { data, error, loading, reload } = useNews(
    (signal, background) =>
      getLogFiles(
        { trail: trail.TrailARN, state: wanted ?? undefined, limit: pageSize, after: starts[page - 1], account: identity.operator ? identity.accountId : undefined },
        { signal, background },
      ),
    [trail.TrailARN, wanted, starts[page - 1]],
    page === 1,
  );
  const restart = () => {
    setStarts([undefined]);
    setPage(1);
    reload();
  };
  const options = [{ value: '', label: 'All states' }, ...Object.entries(states).map(([value, { label }]) => ({ value, label }))];
  return (
    <SpaceBetween size="s">
      {error !== undefined && <LoadError what="The log files could not be listed" error={error} onRetry={reload} />}
      <Table
        header={
          <Header
            variant="h2"
            description={
              data?.pending?.events
                ? `${formatCount(data.pending.events, 'event')}${data.pending.more ? ' or more' : ''} will be in the next file.`
                : 'Of the last 30 days, and older ones with something left to do.'
            }
            actions={<Button iconName="refresh" ariaLabel="Refresh the log files" onClick={restart} loading={loading} />}
          >
            Log files
          </Header>
        }
        filter={
          <div className="trails-narrow">
            <Select
              ariaLabel="State of log files"
              selectedOption={options.find(({ value }) => value === (wanted ?? ''))!}
              options={options}
              onChange={({ detail }) => {
                setStarts([undefined]);
                setPage(1);
                setParams({ state: detail.selectedOption.value }, { replace: true });
              }}
            />
          </div>
        }
        pagination={
          <Pagination
            currentPageIndex={page}
            pagesCount={data?.next ? Math.max(page + 1, starts.length) : Math.max(page, starts.length)}
            openEnd={!!data?.next}
            ariaLabels={{ paginationLabel: 'Pages of log files', nextPageLabel: 'Next page', previousPageLabel: 'Previous page', pageLabel: (n) => `Page ${n}` }}
            onChange={({ detail }) => {
              const to = detail.currentPageIndex;
              if (to > starts.length) {
                if (!data?.next) return;
                setStarts([...starts, data.next]);
                setPage(starts.length + 1);
              } else setPage(to);
            }}
          />
        }
        items={data?.files ?? []}
        trackBy="id"
        wrapLines
        loading={loading && !data}
        loadingText="Loading log files"
        ariaLabels={{ tableLabel: 'Log files' }}
        columnDefinitions={[
          {
            id: 'name',
            header: 'Log file',
            isRowHeader: true,
            minWidth: 300,
            cell: (file) =>
              file.s3Key && file.state !== 'staged' && file.state !== 'abandoned' ? (
                <Button variant="inline-link" onClick={() => onOpen(file.s3Key)} ariaLabel={`Open log file ${fileName(file.s3Key)}`} ariaExpanded={file.s3Key === opened}>
                  <span className="breakable">{fileName(file.s3Key)}</span>
                </Button>
              ) : (
                <span className="breakable">{file.s3Key ? fileName(file.s3Key) : file.id}</span>
              ),
          },
          { id: 'state', header: 'State', cell: (file) => <FileStateText file={file} />, minWidth: 130 },
          { id: 'region', header: 'Region', cell: ({ region }) => region, minWidth: 110 },
          { id: 'events', header: 'Events', cell: ({ events }) => formatNumber(events), minWidth: 80 },
          { id: 'size', header: 'Size', cell: ({ bytes, rawBytes }) => `${formatBytes(bytes)} (${formatBytes(rawBytes)})`, minWidth: 140 },
          { id: 'made', header: 'Made', cell: ({ made }) => <TimeText time={made} />, minWidth: 180 },
          { id: 'delivered', header: 'Delivered', cell: ({ delivered }) => <TimeText time={delivered} />, minWidth: 180 },
        ]}
        empty={
          error ? null : wanted ? (
            <EmptyState title="No log file is in this state" />
          ) : (
            <EmptyState title="No log files yet" cairn={`trail status ${quote(trail.Name)}`}>
              Each delivery makes a file of the events since the last one. The trail has to log.
            </EmptyState>
          )
        }
      />
    </SpaceBetween>
  );
}

function FileStateText({ file }: { file: Pick<LogFile, 'state' | 'error'> }) {
  const { label, type } = states[file.state] ?? { label: file.state, type: 'info' };
  return (
    <>
      <StatusIndicator type={file.error ? 'error' : type}>{label}</StatusIndicator>
      {file.error && <div className="breakable">{file.error}</div>}
    </>
  );
}
