import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { IngestToken } from '@/api/settings';
import { Command } from '@/components/Command';
import { useCairn } from '@/components/useCairn';
import { TimeText } from '@/components/TimeText';
import { PagedTable } from './PagedTable';

const sources: Record<string, string> = { minio: 'MinIO', kubernetes: 'Kubernetes' };

/** The tokens with which other systems send their audit logs. They are made and revoked by the owner of the data directory. */
export function TokensTab({ tokens }: { tokens: readonly IngestToken[] }) {
  const cairn = useCairn();
  return (
    <PagedTable
      name="Ingest tokens"
      description="With a token MinIO or Kubernetes sends its audit log by webhook. A token is shown once, when it is made."
      items={tokens}
      textOf={(token) => `${token.name} ${token.id} ${token.source} ${token.accountId}`}
      trackBy={(token) => token.id + token.name}
      empty="No ingest tokens"
      columns={[
        { id: 'name', header: 'Name', minWidth: 150, isRowHeader: true, cell: (token) => <span className="breakable">{token.name}</span> },
        { id: 'id', header: 'ID', minWidth: 180, cell: (token) => <span className="mono breakable">{token.id}</span> },
        { id: 'source', header: 'From', minWidth: 100, cell: (token) => sources[token.source] ?? token.source },
        { id: 'account', header: 'Account', minWidth: 130, cell: (token) => <span className="mono">{token.accountId}</span> },
        { id: 'region', header: 'Region', minWidth: 160, cell: (token) => token.region },
        { id: 'created', header: 'Created', minWidth: 140, cell: (token) => <TimeText time={token.created} /> },
      ]}
      footer={
        <SpaceBetween size="xs">
          <Box color="text-body-secondary">Tokens are made and revoked on the server's machine, by the owner of its data directory{cairn ? ':' : '.'}</Box>
          {cairn && <Command text={cairn('ingest token add storage --source minio')} />}
          {cairn && <Command text={cairn('ingest token revoke storage')} />}
        </SpaceBetween>
      }
    />
  );
}
