import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, useRef } from 'react';
import { findPage } from '@/api/events';
import { getOverview } from '@/api/overview';
import { getDeliveries } from '@/api/trails';
import { Page } from '@/app/Page';
import { paths, searchPath } from '@/app/paths';
import { useSession } from '@/app/session';
import { useFollow } from '@/components/AppLink';
import { HourChart } from '@/components/HourChart';
import { LoadError } from '@/components/LoadError';
import { Loading } from '@/components/Loading';
import { useUrlState } from '@/components/urlState';
import { newsEvery, useNews } from '@/components/useNews';
import { FirstRun } from './FirstRun';
import { GatewayState } from './GatewayState';
import { NewestEvents } from './NewestEvents';
import { Numbers } from './Numbers';
import { ServerState } from './ServerState';
import { nothingYet } from './state';
import { TopList } from './TopList';
import { Trails } from './Trails';
import './dashboard.css';

/** What goes on in the account, or for operators in all accounts. */
export default function Dashboard() {
  const { identity } = useSession();
  const [params, setParams] = useUrlState();
  const follow = useFollow();
  // Operators see all accounts, as in the event history, unless they choose their own.
  const account = identity.operator ? (params.get('account') ?? undefined) : undefined;

  const overview = useNews((signal, background) => getOverview({ account, top: 8 }, { signal, background }), [account]);
  const trails = useNews((signal, background) => getDeliveries({ account }, { signal, background }), [account]);
  const newest = useNews((signal, background) => findPage({ ReadOnly: 'false', limit: 8, account }, { signal, background }), [account]);
  useReloadOnReturn(() => [overview, trails, newest].forEach(({ reload }) => reload()));

  const data = overview.data;
  const search = (conditions: Record<string, string>) => searchPath(account ? { ...conditions, account } : conditions);
  const scopes = [
    { value: '', label: 'All accounts' },
    { value: identity.accountId, label: `Account ${identity.accountId}` },
  ];
  if (account && account !== identity.accountId) scopes.push({ value: account, label: `Account ${account}` });

  return (
    <Page
      title="Dashboard"
      description={identity.operator ? 'All regions. It refreshes itself every 15 seconds.' : `Account ${identity.accountId}, all regions. It refreshes itself every 15 seconds.`}
      actions={
        <SpaceBetween direction="horizontal" size="xs">
          {identity.operator && (
            <Select
              selectedOption={scopes.find((scope) => scope.value === (account ?? ''))!}
              options={scopes}
              onChange={({ detail }) => setParams({ account: detail.selectedOption.value })}
              ariaLabel="Accounts that are shown"
              expandToViewport
            />
          )}
          <Button href={paths.newTrail} onFollow={follow}>
            Create trail
          </Button>
        </SpaceBetween>
      }
    >
      <SpaceBetween size="l">
        {data?.server?.problem && (
          <Alert type="error" header="Events cannot be written">
            <span className="breakable">{data.server.problem}</span>
          </Alert>
        )}
        {data && nothingYet(data) && <FirstRun />}
        {overview.error ? <LoadError what="The overview could not be loaded" error={overview.error} onRetry={overview.reload} /> : null}
        {!data && overview.loading && <Loading what="Loading the overview" />}
        {data && <Numbers overview={data} trails={trails.data?.trails ?? undefined} all={!account} search={search} />}
        {data && (
          <Container header={<Header variant="h2">Events by hour</Header>}>
            <HourChart
              hours={data.hours ?? []}
              failures={data.failures ?? []}
              hrefOf={(since, until) => search({ since: since.toISOString().replace('.000', ''), until: until.toISOString().replace('.000', '') })}
            />
          </Container>
        )}
        <div className="dashboard-pair">
          <SpaceBetween size="l">
            <Trails {...trails} />
            {data && <TopList overview={data} attribute="errorCode" search={search} />}
          </SpaceBetween>
          <NewestEvents {...newest} search={search} />
        </div>
        {data && (
          <div className="dashboard-tops">
            {(['EventName', 'Username', 'EventSource', 'sourceIPAddress'] as const).map((attribute) => (
              <TopList key={attribute} overview={data} attribute={attribute} search={search} />
            ))}
          </div>
        )}
        {data?.server && <ServerState server={data.server} />}
        {data?.server?.gateway && <GatewayState gateway={data.server.gateway} />}
      </SpaceBetween>
    </Page>
  );
}

/** Calls back when the page is shown again after it was hidden for so long that its numbers are old. */
function useReloadOnReturn(reload: () => void) {
  const latest = useRef(reload);
  latest.current = reload;
  useEffect(() => {
    let hiddenAt = 0;
    const changed = () => {
      if (document.visibilityState === 'hidden') hiddenAt = Date.now();
      else if (hiddenAt && Date.now() - hiddenAt > newsEvery) latest.current();
    };
    document.addEventListener('visibilitychange', changed);
    return () => document.removeEventListener('visibilitychange', changed);
  }, []);
}
