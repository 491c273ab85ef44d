import TopNavigation, { type TopNavigationProps } from '@cloudscape-design/components/top-navigation';
import { useLocation } from 'wouter';
import { nameOf } from '@/api/session';
import { copyText } from '@/components/CopyButton';
import { useTimeZone } from '@/components/TimeText';
import { useLook, type DensityChoice, type ThemeChoice } from './look';
import { useNotify } from './notifications';
import { useSession, useSessionControl } from './session';

/** The bar above all pages: region, and who is signed in, with what one sets for oneself. */
export function TopBar() {
  const { identity, region, regions, version, dev } = useSession();
  const { setRegion, signOut } = useSessionControl();
  const { theme, setTheme, density, setDensity } = useLook();
  const [zone, setZone] = useTimeZone();
  const { notify, notifyError } = useNotify();
  const [, navigate] = useLocation();

  const chosen = (id: string, text: string, checked: boolean) => ({ id, text, itemType: 'checkbox' as const, checked });
  const act = async (id: string) => {
    const [what, value = ''] = id.split(':');
    if (what === 'theme') setTheme(value as ThemeChoice);
    if (what === 'density') setDensity(value as DensityChoice);
    if (what === 'zone') setZone(value === 'utc' ? 'utc' : 'local');
    if (what === 'arn') {
      if (await copyText(identity.arn)) notify({ type: 'success', content: `Copied ${identity.arn}`, id: 'copied' });
    }
    if (what === 'sign-out') await signOut().catch((error: unknown) => notifyError('You were not signed out', error));
  };

  const utilities: TopNavigationProps.Utility[] = [
    {
      type: 'menu-dropdown',
      text: region,
      ariaLabel: `Region ${region}`,
      items: regions.map((name) => chosen(name, name, name === region)),
      onItemClick: ({ detail }) => {
        if (detail.id !== region) setRegion(detail.id).catch((error: unknown) => notifyError('The region was not changed', error));
      },
    },
    {
      // Not expandable: Cloudscape's nested menus hold elements that a menu may not have.
      type: 'menu-dropdown',
      iconName: 'settings',
      ariaLabel: 'Preferences',
      title: 'Preferences',
      items: [
        {
          id: 'themes',
          text: 'Theme',
          items: [chosen('theme:light', 'Light', theme === 'light'), chosen('theme:dark', 'Dark', theme === 'dark'), chosen('theme:system', 'As the system', theme === 'system')],
        },
        {
          id: 'densities',
          text: 'Density',
          items: [chosen('density:comfortable', 'Comfortable', density === 'comfortable'), chosen('density:compact', 'Compact', density === 'compact')],
        },
        {
          id: 'zones',
          text: 'Time zone',
          items: [chosen('zone:utc', 'UTC', zone === 'utc'), chosen('zone:local', `Local (${localZoneName()})`, zone === 'local')],
        },
      ],
      onItemClick: ({ detail }) => void act(detail.id),
    },
    {
      type: 'menu-dropdown',
      text: `${nameOf(identity)}, account ${identity.accountId}`,
      description: `${identity.type === 'Root' ? 'Root user' : identity.type} of account ${identity.accountId}${identity.operator ? ', operator' : ''}`,
      iconName: 'user-profile',
      ariaLabel: `Signed in as ${nameOf(identity)}, account ${identity.accountId}`,
      items: [
        { id: 'arn', text: 'Copy ARN', iconName: 'copy' },
        { id: 'version', text: `Cairn ${version}${dev ? ', development mode' : ''}`, disabled: true },
        { id: 'sign-out', text: 'Sign out' },
      ],
      onItemClick: ({ detail }) => void act(detail.id),
    },
  ];
  return (
    <div id="top">
      <TopNavigation
        identity={{
          href: '/',
          title: dev ? 'Cairn (development)' : 'Cairn',
          logo: { src: '/logo.svg', alt: 'Three stones' },
          onFollow: (event) => {
            event.preventDefault();
            navigate('/');
          },
        }}
        utilities={utilities}
        i18nStrings={{ overflowMenuTriggerText: 'More', overflowMenuTitleText: 'All', overflowMenuBackIconAriaLabel: 'Back', overflowMenuDismissIconAriaLabel: 'Close' }}
      />
    </div>
  );
}

function localZoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'this computer';
}
