import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import SplitPanel from '@cloudscape-design/components/split-panel';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useMemo, useState } from 'react';
import type { Trail } from '@/api/cloudtrail';
import { type CloudTrailRecord, summarize } from '@/api/record';
import { getObjectText } from '@/api/s3';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { Command } from '@/components/Command';
import { CopyButton } from '@/components/CopyButton';
import { EmptyState } from '@/components/EmptyState';
import { ErrorAlert } from '@/components/ErrorAlert';
import { formatCount } from '@/components/format';
import { JsonView } from '@/components/JsonView';
import { Loading } from '@/components/Loading';
import { TimeText } from '@/components/TimeText';
import { useLoad } from '@/components/useLoad';
import { visible } from '@/components/visible';
import { quote } from './shell';
import { fileName } from './trailData';

const pageSize = 25;

/** A log file or digest out of the bucket, read as the user and unpacked here. */
export function FilePanel({ trail, objectKey, elsewhere }: { trail: Trail; objectKey: string; elsewhere: boolean }) {
  const { data: text, error, reload } = useLoad((signal) => getObjectText(trail.HomeRegion, trail.S3BucketName, objectKey, undefined, { signal }), [objectKey, trail.S3BucketName]);
  const records = useMemo(() => (text === undefined ? undefined : recordsOf(text)), [text]);
  return (
    <SplitPanel
      header={visible(fileName(objectKey))}
      i18nStrings={{
        closeButtonAriaLabel: 'Close the file',
        openButtonAriaLabel: 'Open the file',
        preferencesTitle: 'Where the panel is',
        preferencesPositionLabel: 'Position',
        preferencesPositionDescription: 'At the bottom, or at the side.',
        preferencesPositionSide: 'Side',
        preferencesPositionBottom: 'Bottom',
        preferencesConfirm: 'Confirm',
        preferencesCancel: 'Cancel',
        resizeHandleAriaLabel: 'Size of the panel',
      }}
    >
      <SpaceBetween size="s">
        <Box color="text-body-secondary">
          <span className="breakable mono">
            s3://{trail.S3BucketName}/{visible(objectKey)}
          </span>{' '}
          <CopyButton text={`s3://${trail.S3BucketName}/${objectKey}`} what="address of the file" />
        </Box>
        {elsewhere ? (
          <Alert type="info">
            <SpaceBetween size="xs">
              <div>Trails deliver to another S3 than the server’s own, which these pages do not read. There, this reads the file:</div>
              <Command text={`aws s3 cp ${quote(`s3://${trail.S3BucketName}/${objectKey}`)} - | gunzip`} />
            </SpaceBetween>
          </Alert>
        ) : (
          <ErrorAlert what="The file could not be read out of the bucket" error={error} onRetry={reload} />
        )}
        {text === undefined && !error && !elsewhere && <Loading what="Reading the file" />}
        {text !== undefined && !elsewhere && (records ? <Records records={records} /> : <JsonView text={text.slice(0, 2_000_000)} what={objectKey.includes('/CloudTrail-Digest/') ? 'digest' : 'file'} />)}
      </SpaceBetween>
    </SplitPanel>
  );
}

function Records({ records }: { records: readonly CloudTrailRecord[] }) {
  const [page, setPage] = useState(1);
  const [filter, setFilter] = useState('');
  const found = useMemo(() => {
    const text = filter.toLowerCase();
    return text ? records.filter((record) => JSON.stringify(record).toLowerCase().includes(text)) : records;
  }, [records, filter]);
  return (
    <Table
      variant="embedded"
      items={found.slice((page - 1) * pageSize, page * pageSize)}
      ariaLabels={{ tableLabel: 'Records of the log file' }}
      filter={
        <TextFilter
          filteringText={filter}
          filteringPlaceholder="Find in the records"
          filteringAriaLabel="Find in the records"
          countText={formatCount(found.length, 'record')}
          onChange={({ detail }) => {
            setFilter(detail.filteringText);
            setPage(1);
          }}
        />
      }
      pagination={
        found.length > pageSize && (
          <Pagination
            currentPageIndex={page}
            pagesCount={Math.ceil(found.length / pageSize)}
            onChange={({ detail }) => setPage(detail.currentPageIndex)}
            ariaLabels={{ paginationLabel: 'Pages of records', nextPageLabel: 'Next page', previousPageLabel: 'Previous page', pageLabel: (n) => `Page ${n}` }}
          />
        )
      }
      columnDefinitions={[
        {
          id: 'name',
          header: 'Event',
          isRowHeader: true,
          minWidth: 160,
          cell: (record) => {
            const { eventId, eventName } = summarize(record);
            const name = <span className="breakable">{visible(eventName) || '(no name)'}</span>;
            return eventId ? <AppLink href={paths.event(eventId)}>{name}</AppLink> : name;
          },
        },
        { id: 'time', header: 'Time', cell: (record) => <TimeText time={summarize(record).eventTime} />, minWidth: 180 },
        { id: 'user', header: 'User', cell: (record) => <span className="breakable">{visible(summarize(record).userName) || '-'}</span>, minWidth: 110 },
        { id: 'source', header: 'Source', cell: (record) => <span className="breakable">{visible(summarize(record).eventSource)}</span>, minWidth: 170 },
        { id: 'address', header: 'Address', cell: (record) => <span className="breakable">{visible(summarize(record).sourceIPAddress) || '-'}</span>, minWidth: 120 },
        { id: 'error', header: 'Error', cell: (record) => <span className="breakable">{visible(summarize(record).errorCode) || '-'}</span>, minWidth: 110 },
      ]}
      empty={<EmptyState title={filter ? 'No record has this text' : 'The file has no records'} />}
    />
  );
}

/** The records of a log file, or nothing where a text is no log file. */
function recordsOf(text: string): CloudTrailRecord[] | undefined {
  try {
    const file = JSON.parse(text) as { Records?: unknown } | null;
    if (typeof file !== 'object' || !Array.isArray(file?.Records)) return undefined;
    return file.Records.filter((record): record is CloudTrailRecord => typeof record === 'object' && record !== null);
  } catch {
    return undefined;
  }
}
