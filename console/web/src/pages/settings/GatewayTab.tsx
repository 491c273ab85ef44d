import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { getOverview } from '@/api/overview';
import type { GatewayRouteSettings, GatewayRule, Settings } from '@/api/settings';
import { useSession } from '@/app/session';
import { EmptyState } from '@/components/EmptyState';
import { formatCount, formatNumber } from '@/components/format';
import { ForwardPairs, GatewayAlerts, GatewayRoutes } from '@/components/GatewayRoutes';
import { LoadError } from '@/components/LoadError';
import type { Loaded } from '@/components/useLoad';
import { useNews } from '@/components/useNews';
import { FromSettings } from './FromSettings';
import { PagedTable } from './PagedTable';

/** The recording gateway: how it is set up, and how it stands, every 15 seconds anew. */
export function GatewayTab({ settings }: { settings: Loaded<Settings> }) {
  const { identity } = useSession();
  if (!identity.operator) return <StatusIndicator type="info">The gateway is shown to operators only.</StatusIndicator>;
  return (
    <SpaceBetween size="l">
      <State />
      <FromSettings {...settings}>{(data) => <Setup settings={data} />}</FromSettings>
    </SpaceBetween>
  );
}

function State() {
  const state = useNews((signal, background) => getOverview({ top: 1 }, { signal, background }), []);
  const gateway = state.data?.server?.gateway;
  return (
    <SpaceBetween size="l">
      {state.error ? <LoadError what="How the gateway stands could not be loaded" error={state.error} onRetry={state.reload} /> : null}
      {gateway && <GatewayAlerts gateway={gateway} />}
      {!!gateway?.listeners?.length && (
        <GatewayRoutes
          gateway={gateway}
          header={
            <Header
              variant="h2"
              description={`${formatCount(gateway.intents, 'call')} under way whose end is not recorded yet, ${formatCount(gateway.kept, 'record')} in reserved space. Every 15 seconds anew.`}
            >
              Routes at work
            </Header>
          }
        />
      )}
      {gateway?.forward && (
        <Container header={<Header variant="h2">Forwarding</Header>}>
          <ForwardPairs forward={gateway.forward} />
        </Container>
      )}
    </SpaceBetween>
  );
}

function Setup({ settings }: { settings: Settings }) {
  const { gateway } = settings;
  if (!gateway) {
    return (
      <Container>
        <EmptyState title="This server runs no gateway" command="cairn gateway --upstream http://127.0.0.1:9000 --service s3">
          A gateway stands before a backend that speaks AWS's protocols, and records every call. It runs in the server, by the section <code>gateway</code> of its configuration file, or alone:
        </EmptyState>
      </Container>
    );
  }
  return (
    <SpaceBetween size="l">
      {(gateway.listeners ?? []).map((listener) => (
        <SpaceBetween key={listener.name} size="l">
          <Container header={<Header variant="h2">Listener {listener.name}</Header>}>
            <KeyValuePairs
              columns={3}
              items={[
                { label: 'URL', value: <span className="mono breakable">{listener.url}</span> },
                { label: 'X-Forwarded-For is believed from', value: <span className="mono breakable">{listener.forwardedFor?.join(', ') || 'nobody'}</span> },
                { label: 'PROXY headers are demanded from', value: <span className="mono breakable">{listener.proxyProtocol?.join(', ') || 'nobody'}</span> },
              ]}
            />
          </Container>
          <PagedTable
            name={`Routes of ${listener.name}`}
            description="A call takes the first that matches. These are settings of the configuration file, read at a start."
            items={listener.routes ?? []}
            textOf={(route) => `${route.name} ${route.account} ${route.upstreams?.join(' ')}`}
            trackBy={(route) => route.name}
            empty="No routes"
            columns={[
              { id: 'name', header: 'Route', minWidth: 150, isRowHeader: true, cell: (route) => <Name route={route} /> },
              { id: 'matches', header: 'Matches', minWidth: 180, cell: (route) => <span className="breakable">{matches(route)}</span> },
              { id: 'upstreams', header: 'Backends', minWidth: 230, cell: (route) => <Upstreams route={route} /> },
              { id: 'scope', header: 'Account and region', minWidth: 130, cell: (route) => <Scope route={route} /> },
              { id: 'signatures', header: 'Signatures', minWidth: 140, cell: (route) => signatures[route.signatures] ?? route.signatures },
              { id: 'left', header: 'Left out', minWidth: 180, cell: (route) => <LeftOut route={route} /> },
            ]}
          />
        </SpaceBetween>
      ))}
    </SpaceBetween>
  );
}

const signatures: Record<string, string> = { record: 'wrong ones are marked', refuse: 'wrong ones are refused', off: 'not checked' };

function Name({ route }: { route: GatewayRouteSettings }) {
  return (
    <SpaceBetween size="xxs">
      <span className="breakable">{route.name}</span>
      <SpaceBetween size="xxs" direction="horizontal">
        <Badge color={route.record === 'strict' ? 'green' : 'grey'}>{route.record}</Badge>
        {route.authority && <Badge color="blue">authority</Badge>}
      </SpaceBetween>
    </SpaceBetween>
  );
}

function matches(route: GatewayRouteSettings): string {
  const parts = [...(route.services ?? []).map((name) => `service ${name}`), ...(route.hosts ?? []).map((host) => `host ${host}`), ...(route.paths ?? []).map((path) => `path ${path}`)];
  const rest = [route.defaultService && `${route.defaultService} where a request does not tell`, route.bucketDomains?.length && `buckets below ${route.bucketDomains.join(', ')}`];
  return [parts.join(', ') || 'every call', ...rest].filter(Boolean).join('; ');
}

function Upstreams({ route }: { route: GatewayRouteSettings }) {
  return (
    <SpaceBetween size="xxs">
      {(route.upstreams ?? []).map((upstream) => (
        <span key={upstream} className="mono breakable">
          {upstream}
        </span>
      ))}
      {route.healthPath && (
        <Box variant="small" color="text-body-secondary">
          <span className="breakable">health: {route.healthPath}</span>
        </Box>
      )}
    </SpaceBetween>
  );
}

function Scope({ route }: { route: GatewayRouteSettings }) {
  return (
    <SpaceBetween size="xxs">
      <span className="mono">{route.account}</span>
      {route.region && <span>{route.region}</span>}
      {Object.entries(route.regions ?? {}).map(([theirs, ours]) => (
        <Box key={theirs} variant="small" color="text-body-secondary">
          <span className="breakable">
            {theirs} as {ours}
          </span>
        </Box>
      ))}
    </SpaceBetween>
  );
}

function LeftOut({ route }: { route: GatewayRouteSettings }) {
  const rules = [...(route.exclude ?? []), ...(route.sample ?? [])];
  if (rules.length === 0) return <>nothing</>;
  return (
    <SpaceBetween size="xxs">
      {rules.map((rule, i) => (
        <span key={i} className="breakable">
          {ruleText(rule)}
        </span>
      ))}
    </SpaceBetween>
  );
}

function ruleText({ operation, buckets, oneIn }: GatewayRule): string {
  return `${operation}${buckets?.length ? ` of ${buckets.join(', ')}` : ''}${oneIn ? `, but for one in ${formatNumber(oneIn)}` : ''}`;
}
