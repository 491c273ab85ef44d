import SideNavigation, { type SideNavigationProps } from '@cloudscape-design/components/side-navigation';
import { useLocation } from 'wouter';
import { useFollow } from '@/components/AppLink';
import { routes } from './routes';

/** The pages that there are, the current one marked. */
export function Navigation() {
  const [path] = useLocation();
  const follow = useFollow();

  const items: SideNavigationProps.Item[] = [];
  for (const { path: href, nav } of routes) {
    if (!nav) continue;
    const link = { type: 'link', text: nav.text, href } as const;
    if (!nav.section) {
      items.push(link);
      continue;
    }
    const last = items.at(-1);
    if (last?.type === 'section' && last.text === nav.section) (last.items as SideNavigationProps.Item[]).push(link);
    else items.push({ type: 'section', text: nav.section, items: [link] });
  }
  // /trails/audit is below /trails, unless it is a page of the navigation itself.
  const hrefs = routes.filter((route) => route.nav).map((route) => route.path);
  const active = hrefs.filter((href) => path === href || path.startsWith(href + '/')).sort((a, b) => b.length - a.length)[0];

  return <SideNavigation header={{ text: 'CloudTrail', href: '/' }} activeHref={active ?? path} items={items} onFollow={follow} />;
}
