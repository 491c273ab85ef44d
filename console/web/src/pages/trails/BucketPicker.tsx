import Box from '@cloudscape-design/components/box';
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import Button from '@cloudscape-design/components/button';
import Link from '@cloudscape-design/components/link';
import Modal from '@cloudscape-design/components/modal';
import Pagination from '@cloudscape-design/components/pagination';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import { listBuckets, listObjects } from '@/api/s3';
import { ErrorAlert } from '@/components/ErrorAlert';
import { formatBytes } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { useLoad } from '@/components/useLoad';

interface Row {
  name: string;
  /** Where a click leads: into a bucket or a prefix. Objects lead nowhere. */
  into?: { bucket: string; prefix: string };
  text: React.ReactNode;
}

const pageSize = 20;

/** Browses the buckets of the server's own S3, to choose one and a prefix in it. */
export function BucketPicker({ region, onChoose, onClose }: { region: string; onChoose: (bucket: string, prefix: string) => void; onClose: () => void }) {
  const [at, setAt] = useState({ bucket: '', prefix: '' });
  const [page, setPage] = useState(1);
  const { data, error, loading, reload } = useLoad(async (signal): Promise<Row[]> => {
    if (!at.bucket) {
      return (await listBuckets(region, { signal })).map(({ name, created }) => ({ name, into: { bucket: name, prefix: '' }, text: <TimeText time={created} /> }));
    }
    const { prefixes, objects } = await listObjects(region, at.bucket, { prefix: at.prefix, maxKeys: 500 }, { signal });
    return [
      ...prefixes.map((prefix) => ({ name: prefix.slice(at.prefix.length), into: { bucket: at.bucket, prefix }, text: 'Folder' })),
      ...objects.map(({ key, size }) => ({ name: key.slice(at.prefix.length) || key, text: formatBytes(size) })),
    ];
  }, [region, at]);
  const go = (to: typeof at) => {
    setAt(to);
    setPage(1);
  };
  const parts = at.prefix.split('/').filter(Boolean);
  const rows = data ?? [];

  return (
    <Modal
      visible
      size="large"
      header="Choose a bucket, and a folder in it"
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" disabled={!at.bucket} onClick={() => onChoose(at.bucket, at.prefix.replace(/\/$/, ''))}>
              Choose {at.bucket && `s3://${at.bucket}/${at.prefix}`}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="s">
        <BreadcrumbGroup
          ariaLabel="Folders"
          items={[
            { text: 'Buckets', href: '#' },
            ...(at.bucket ? [{ text: at.bucket, href: '#0' }] : []),
            ...parts.map((part, i) => ({ text: part, href: `#${i + 1}` })),
          ]}
          onFollow={(event) => {
            event.preventDefault();
            const depth = event.detail.href.slice(1);
            if (!depth) go({ bucket: '', prefix: '' });
            else go({ bucket: at.bucket, prefix: parts.slice(0, Number(depth)).map((part) => `${part}/`).join('') });
          }}
        />
        <ErrorAlert what={at.bucket ? `Bucket ${at.bucket} could not be listed` : 'The buckets could not be listed'} error={error} onRetry={reload} />
        <Table
          variant="embedded"
          items={rows.slice((page - 1) * pageSize, page * pageSize)}
          loading={loading && !data}
          loadingText="Loading"
          ariaLabels={{ tableLabel: at.bucket ? 'Folders and objects' : 'Buckets' }}
          columnDefinitions={[
            {
              id: 'name',
              header: 'Name',
              isRowHeader: true,
              cell: ({ name, into }) =>
                into ? (
                  <Link
                    href="#"
                    onFollow={(event) => {
                      event.preventDefault();
                      go(into);
                    }}
                  >
                    {name}
                  </Link>
                ) : (
                  <span className="breakable">{name}</span>
                ),
            },
            { id: 'text', header: at.bucket ? 'Size' : 'Made', cell: ({ text }) => text },
          ]}
          empty={<Box textAlign="center">{at.bucket ? 'Nothing is in here.' : 'There are no buckets yet.'}</Box>}
        />
        {rows.length > pageSize && (
          <Pagination
            currentPageIndex={page}
            pagesCount={Math.ceil(rows.length / pageSize)}
            onChange={({ detail }) => setPage(detail.currentPageIndex)}
            ariaLabels={{ paginationLabel: 'Pages of the list', nextPageLabel: 'Next page', previousPageLabel: 'Previous page', pageLabel: (n) => `Page ${n}` }}
          />
        )}
      </SpaceBetween>
    </Modal>
  );
}
