import Tabs from '@cloudscape-design/components/tabs';
import { getSettings } from '@/api/settings';
import { Page } from '@/app/Page';
import { useUrlState } from '@/components/urlState';
import { useLoad } from '@/components/useLoad';
import { AccountTab } from './AccountTab';
import { FromSettings } from './FromSettings';
import { GatewayTab } from './GatewayTab';
import { IdentitiesTab } from './IdentitiesTab';
import { LimitsTab } from './LimitsTab';
import { RegionsTab } from './RegionsTab';
import { ServerTab } from './ServerTab';
import { SessionTab } from './SessionTab';
import { TokensTab } from './TokensTab';
import './settings.css';

/** How the account and the server are set up, one tab for each part. The tab is in the address. */
export default function SettingsPage() {
  const [params, setParams] = useUrlState();
  const settings = useLoad((signal) => getSettings({ signal }), []);
  const tabs = [
    { id: 'identities', label: 'Identities', content: <IdentitiesTab /> },
    { id: 'account', label: 'Account', content: <FromSettings {...settings}>{(data) => <AccountTab settings={data} />}</FromSettings> },
    { id: 'regions', label: 'Regions', content: <RegionsTab settings={settings.data} /> },
    { id: 'limits', label: 'Limits', content: <FromSettings {...settings}>{(data) => <LimitsTab limits={data.limits} />}</FromSettings> },
    { id: 'gateway', label: 'Gateway', content: <GatewayTab settings={settings} /> },
    { id: 'server', label: 'Server', content: <ServerTab settings={settings} /> },
    { id: 'tokens', label: 'Ingest tokens', content: <FromSettings {...settings}>{(data) => <TokensTab tokens={data.ingestTokens ?? []} />}</FromSettings> },
    { id: 'session', label: 'Session', content: <SessionTab /> },
  ];
  const asked = params.get('tab');
  const active = tabs.find((tab) => tab.id === asked)?.id ?? 'identities';
  return (
    <Page title="Settings" description="Who may sign in, and how the account and the server are set up.">
      <div className="settings">
        <Tabs
          tabs={tabs}
          activeTabId={active}
          onChange={({ detail }) => setParams(new URLSearchParams({ tab: detail.activeTabId }))}
          ariaLabel="Settings"
          keyboardActivationMode="manual"
          i18nStrings={{ scrollLeftAriaLabel: 'Scroll the tabs left', scrollRightAriaLabel: 'Scroll the tabs right' }}
        />
      </div>
    </Page>
  );
}
