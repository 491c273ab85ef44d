import Alert from '@cloudscape-design/components/alert';
import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';
import { getOverview, type ServerOverview } from '@/api/overview';
import type { CompanionSetting, KeyStatus, ServerSettings, Settings } from '@/api/settings';
import { useSession } from '@/app/session';
import { Command } from '@/components/Command';
import { useCairn } from '@/components/useCairn';
import { CopyButton } from '@/components/CopyButton';
import { formatAgo, formatBytes, formatCount, formatDuration, formatNumber } from '@/components/format';
import { LoadError } from '@/components/LoadError';
import { Loading } from '@/components/Loading';
import { TimeText } from '@/components/TimeText';
import type { Loaded } from '@/components/useLoad';
import { useNews } from '@/components/useNews';
import { FromSettings } from './FromSettings';
import { PagedTable } from './PagedTable';

/** The server, for operators. */
export function ServerTab({ settings }: { settings: Loaded<Settings> }) {
  const { identity } = useSession();
  if (!identity.operator) return <StatusIndicator type="info">The server is shown to operators only: the root user of the account that the first start made.</StatusIndicator>;
  return (
    <SpaceBetween size="l">
      <State />
      <FromSettings {...settings}>
        {(data) => (
          <SpaceBetween size="l">
            {data.server && <Setup server={data.server} />}
            {data.keys && <Keys keys={data.keys} />}
          </SpaceBetween>
        )}
      </FromSettings>
    </SpaceBetween>
  );
}

function State() {
  const state = useNews((signal, background) => getOverview({ top: 1 }, { signal, background }), []);
  const server = state.data?.server;
  return (
    <SpaceBetween size="l">
      {state.error ? <LoadError what="How the server stands could not be loaded" error={state.error} onRetry={state.reload} /> : null}
      {server?.problem && (
        <Alert type="error" header="Events cannot be written">
          <span className="breakable">{server.problem}</span>
        </Alert>
      )}
      {server ? <StatePairs server={server} /> : state.loading && <Loading what="Asking the server" />}
    </SpaceBetween>
  );
}

function StatePairs({ server }: { server: ServerOverview }) {
  return (
    <Container header={<Header variant="h2">At work</Header>}>
      <KeyValuePairs
        columns={4}
        items={[
          { label: 'Version', value: server.version || 'unknown' },
          { label: 'Running for', value: formatDuration(server.uptimeSeconds) },
          { label: 'Started', value: <TimeText time={server.started} /> },
          {
            label: 'Store ID',
            value: (
              <>
                <span className="mono breakable">{server.storeId}</span> <CopyButton text={server.storeId} what="store ID" />
              </>
            ),
          },
          { label: 'Disk', value: server.disk.freeBytes === undefined ? 'not known' : `${formatBytes(server.disk.freeBytes)} free, ${formatBytes(server.disk.reserveBytes)} of it in reserve` },
          { label: 'Event log', value: `${formatCount(server.log.events, 'event')} in ${formatCount(server.log.segments, 'segment')}, ${formatBytes(server.log.diskBytes)} on disk` },
          { label: 'Quarantined since the start', value: formatCount(server.log.quarantinedSinceStart, 'record') },
          { label: 'Retention', value: server.retention === '0' ? 'for ever' : server.retention },
        ]}
      />
    </Container>
  );
}

function Setup({ server }: { server: ServerSettings }) {
  return (
    <Container header={<Header variant="h2" description="Settings of the server, read at its start.">Set up</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: 'Data directory', value: <span className="mono breakable">{server.data}</span> },
          { label: 'AWS API', value: <span className="mono breakable">{server.url}</span> },
          { label: 'Console', value: <span className="mono breakable">{server.consoleUrl || 'off'}</span> },
          ...(server.publicUrl ? [{ label: 'For subscribers of SNS', value: <span className="mono breakable">{server.publicUrl}</span> }] : []),
          { label: 'TLS', value: <Certificate server={server} /> },
          {
            label: 'Mode',
            value: server.dev ? <StatusIndicator type="warning">Development: anybody's keys are good</StatusIndicator> : server.insecure ? <StatusIndicator type="warning">Other machines may call without TLS</StatusIndicator> : 'Only known keys are good',
          },
          { label: 'S3 of trails', value: <Place companion={server.s3} own="the server's own" /> },
          { label: 'SNS of trails', value: <Place companion={server.sns} own="the server's own" /> },
          { label: 'KMS', value: <Place companion={server.kms} own="the server's own" /> },
          { label: 'SNS may also deliver to', value: server.webhookAllow?.length ? <span className="mono breakable">{server.webhookAllow.join(', ')}</span> : 'nothing but public addresses' },
        ]}
      />
    </Container>
  );
}

function Place({ companion, own }: { companion: CompanionSetting; own: string }) {
  if (companion.place === 'own') return <>{own}</>;
  if (companion.place === 'off') return <StatusIndicator type="stopped">off</StatusIndicator>;
  return <span className="mono breakable">{companion.url}</span>;
}

function Certificate({ server }: { server: ServerSettings }): ReactNode {
  const { tls } = server;
  if (!tls) return 'none: reachable from this machine only, unless a proxy stands before it';
  if (tls.problem) return <StatusIndicator type="error"><span className="breakable">{tls.problem}</span></StatusIndicator>;
  const left = tls.notAfter ? (new Date(tls.notAfter).getTime() - Date.now()) / 86_400_000 : 0;
  return (
    <SpaceBetween size="xxs">
      <StatusIndicator type={left < 0 ? 'error' : left < 14 ? 'warning' : 'success'}>
        {left < 0 ? 'Ended' : 'Ends'} {tls.notAfter ? formatAgo(tls.notAfter) : ''}
      </StatusIndicator>
      <Box variant="small" color="text-body-secondary">
        <span className="breakable">
          for {tls.names?.join(', ') || 'no name'}
          {tls.selfSigned && ', signed by itself'}
        </span>
      </Box>
    </SpaceBetween>
  );
}

/** The keys that seal secrets at rest, and how old they are. No secret is told. */
function Keys({ keys }: { keys: KeyStatus }) {
  const cairn = useCairn();
  const { masterKey } = keys;
  const dataKeys = [...(keys.dataKeys ?? [])].reverse();
  return (
    <SpaceBetween size="l">
      {masterKey.besideData && (
        <Alert type="warning" header="The master key lies beside the data that it protects">
          Whoever copies the data directory copies the key. Keep it elsewhere, and name it with <code>--master-key-file</code>.
        </Alert>
      )}
      {(masterKey.opening?.length ?? 0) > 1 && (
        <Alert type="warning" header="A change of the master key is not finished">
          {formatCount(masterKey.opening!.length, 'master key')} open the data directory until the server starts with the new one.
        </Alert>
      )}
      <PagedTable
        name="Keys that seal secrets"
        description={
          <span className="breakable">
            Master key {masterKey.id}, {masterKey.file ? `from the file ${masterKey.file}` : 'from CAIRN_MASTER_KEY'}. Not counted: {keys.notCounted?.join('; ') || 'nothing'}.
          </span>
        }
        items={dataKeys}
        textOf={(key) => String(key.id)}
        trackBy={(key) => String(key.id)}
        empty="No data keys"
        columns={[
          {
            id: 'id',
            header: 'Data key',
            minWidth: 180,
            isRowHeader: true,
            cell: (key) => (
              <SpaceBetween size="xs" direction="horizontal">
                <span>{key.id}</span>
                {key === dataKeys[0] && <Badge color="blue">seals</Badge>}
              </SpaceBetween>
            ),
          },
          { id: 'created', header: 'Created', minWidth: 140, cell: (key) => <TimeText time={key.created} /> },
          { id: 'age', header: 'Age', minWidth: 100, cell: (key) => formatDuration((Date.now() - new Date(key.created).getTime()) / 1000) },
          { id: 'sealed', header: 'Secrets', minWidth: 200, cell: (key) => key.sealed?.map(({ kind, count }) => `${kind}: ${formatNumber(count)}`).join(', ') || 'none that are counted' },
        ]}
        footer={
          <SpaceBetween size="xs">
            <Box color="text-body-secondary">A new data key, with all secrets sealed anew, is made on the server's machine:</Box>
            {cairn && <Command text={cairn('keys rotate')} />}
          </SpaceBetween>
        }
      />
    </SpaceBetween>
  );
}
