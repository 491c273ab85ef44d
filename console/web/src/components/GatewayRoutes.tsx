import Alert from '@cloudscape-design/components/alert';
import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import type { ForwardStatus, GatewayRouteStatus, GatewayStatus } from '@/api/overview';
import { formatBytes, formatCount, formatDuration, formatNumber } from './format';
import { TimeText } from './TimeText';

const outcomes: [name: string, text: string, bad: boolean][] = [
  ['unrecorded', 'without a record', true],
  ['upstream-error', 'failed at the backend', true],
  ['kept', 'in reserved space', true],
  ['refused', 'refused', false],
  ['excluded', 'left out', false],
  ['counted', 'only counted', false],
  ['own', "Cairn's own", false],
];

/** The routes of the gateway with the health of their backends and what became of calls. At most 100 of them. */
export function GatewayRoutes({ gateway, header }: { gateway: GatewayStatus; header: ReactNode }) {
  const rows = (gateway.listeners ?? []).flatMap((listener) => (listener.routes ?? []).map((route) => ({ listener, route })));
  return (
    <Table
      variant="container"
      header={header}
      items={rows.slice(0, 100)}
      trackBy={({ route }) => route.name}
      wrapLines
      enableKeyboardNavigation
      ariaLabels={{ tableLabel: 'Routes of the gateway' }}
      empty="The gateway has no routes."
      footer={rows.length > 100 ? <Box color="text-body-secondary">{formatCount(rows.length - 100, 'more route')}. cairn status shows all.</Box> : undefined}
      columnDefinitions={[
        {
          id: 'route',
          header: 'Route',
          isRowHeader: true,
          minWidth: 140,
          cell: ({ route }) => (
            <SpaceBetween size="xxs" direction="horizontal">
              <span className="breakable">{route.name}</span>
              {route.record === 'relaxed' && <Badge>relaxed</Badge>}
            </SpaceBetween>
          ),
        },
        {
          id: 'listener',
          header: 'Listener',
          minWidth: 200,
          cell: ({ listener }) => (
            <SpaceBetween size="xxs">
              <span className="mono breakable">{listener.url}</span>
              {listener.unrouted > 0 && <Box variant="small" color="text-body-secondary">{formatCount(listener.unrouted, 'call')} without a route</Box>}
            </SpaceBetween>
          ),
        },
        { id: 'upstreams', header: 'Backends', minWidth: 230, cell: ({ route }) => <Upstreams route={route} /> },
        { id: 'calls', header: 'Calls since the start', minWidth: 160, cell: ({ route }) => <Calls route={route} /> },
        {
          id: 'cost',
          header: 'Added by the gateway',
          minWidth: 140,
          cell: ({ route }) => (
            <SpaceBetween size="xxs">
              <span>{route.total > 0 ? `${((route.addedSeconds / route.total) * 1000).toFixed(1)} ms a call` : '-'}</span>
              <Box variant="small" color="text-body-secondary">{formatBytes(route.bytesIn)} in, {formatBytes(route.bytesOut)} out</Box>
            </SpaceBetween>
          ),
        },
      ]}
    />
  );
}

function Upstreams({ route }: { route: GatewayRouteStatus }) {
  return (
    <SpaceBetween size="xxs">
      {(route.upstreams ?? []).slice(0, 20).map(({ address, healthy }) => (
        <StatusIndicator key={address} type={healthy ? 'success' : 'error'} iconAriaLabel={healthy ? 'Healthy' : 'Not healthy'}>
          <span className="mono breakable">{address}</span>
        </StatusIndicator>
      ))}
    </SpaceBetween>
  );
}

function Calls({ route }: { route: GatewayRouteStatus }) {
  return (
    <SpaceBetween size="xxs">
      <span>
        {formatNumber(route.total)}
        {route.active > 0 && `, ${formatNumber(route.active)} under way`}
      </span>
      {outcomes.map(([name, text, bad]) => {
        const n = route.calls?.[name] ?? 0;
        if (n === 0) return null;
        const line = `${formatNumber(n)} ${text}`;
        return bad ? <StatusIndicator key={name} type="warning">{line}</StatusIndicator> : <Box key={name} variant="small" color="text-body-secondary">{line}</Box>;
      })}
    </SpaceBetween>
  );
}

/** What is not well with the gateway as a whole. */
export function GatewayAlerts({ gateway }: { gateway: GatewayStatus }) {
  const down = (gateway.listeners ?? []).flatMap((listener) => listener.routes ?? []).filter((route) => route.upstreams?.length && route.upstreams.every((upstream) => !upstream.healthy));
  const { forward } = gateway;
  return (
    <>
      {down.length > 0 && (
        <Alert type="error" header="The gateway has routes without a healthy backend">
          <span className="breakable">{down.slice(0, 10).map((route) => route.name).join(', ')}</span>
        </Alert>
      )}
      {gateway.kept > 0 && (
        <Alert type="warning" header="The gateway keeps records in reserved space">
          {formatCount(gateway.kept, 'record')} could not be written to the event log, and will be moved into it as soon as it takes them.
        </Alert>
      )}
      {forward?.problem && (
        <Alert type="warning" header="The gateway's records do not reach their server">
          <span className="breakable">{forward.problem}</span>
          {forward.since && <> (since <TimeText time={forward.since} />)</>}
        </Alert>
      )}
    </>
  );
}

/** How the sending of records to another server stands. */
export function ForwardPairs({ forward }: { forward: ForwardStatus }) {
  return (
    <KeyValuePairs
      columns={4}
      items={[
        { label: 'To', value: <span className="mono breakable">{forward.to}</span> },
        { label: 'Lag', value: forward.lagSeconds > 0 ? formatDuration(forward.lagSeconds) : 'none' },
        { label: 'Pending', value: formatCount(forward.pending, 'record') },
        { label: 'Stored there, ever', value: formatCount(forward.stored, 'record') },
        { label: 'Refused, quarantined, expired, damaged', value: [forward.refused, forward.quarantined, forward.expired, forward.damaged].map(formatNumber).join(', ') },
        { label: 'Failures since the start', value: formatNumber(forward.failures) },
      ]}
    />
  );
}
