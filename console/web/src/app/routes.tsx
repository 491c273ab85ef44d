import { lazy as lazyComponent, useState, type ComponentType } from 'react';

/** A page: its path in wouter's form, its code, and its place in the navigation, where it has one. */
export interface Route {
  path: string;
  page: ComponentType;
  nav?: { text: string; section?: 'Trails' | 'Administration' };
}

const loads = new Map<ComponentType, () => Promise<void>>();

/** A page whose code comes when it is first shown, or preloaded. */
function lazy(load: () => Promise<{ default: ComponentType }>): ComponentType {
  const Later = lazyComponent(load);
  let loaded: ComponentType | undefined;
  function PageCode() {
    // What is there is shown at once: React holds back for 0.3 s what it has shown a fallback for.
    const [Code] = useState<ComponentType>(() => loaded ?? Later);
    return <Code />;
  }
  loads.set(PageCode, async () => {
    loaded = (await load()).default;
  });
  return PageCode;
}

/** Fetches the code of a page before it is shown. What fails here is told when the page is. */
export async function preload(route: Route | undefined): Promise<void> {
  if (route) await loads.get(route.page)?.().catch(() => {});
}

// The first path that fits wins: what is fixed comes before what is variable. The navigation has the order of this list.
export const routes: Route[] = [
  { path: '/dashboard', page: lazy(() => import('@/pages/dashboard')), nav: { text: 'Dashboard' } },
  { path: '/events', page: lazy(() => import('@/pages/events')), nav: { text: 'Event history' } },
  { path: '/events/:eventId', page: lazy(() => import('@/pages/event')) },
  { path: '/compare', page: lazy(() => import('@/pages/compare')) },
  { path: '/resources', page: lazy(() => import('@/pages/resources')), nav: { text: 'Resource timeline' } },
  { path: '/trails', page: lazy(() => import('@/pages/trails')), nav: { text: 'Trails' } },
  { path: '/trails/new', page: lazy(() => import('@/pages/trails/TrailWizard')) },
  { path: '/trails/:name', page: lazy(() => import('@/pages/trails/TrailDetails')) },
  { path: '/trails/:name/edit', page: lazy(() => import('@/pages/trails/TrailWizard')) },
  { path: '/settings', page: lazy(() => import('@/pages/settings')), nav: { text: 'Settings', section: 'Administration' } },
];

// The pages that show the shared components, for dev/shots.mjs. Not in what is built for the server.
if (import.meta.env.MODE === 'gallery') {
  routes.push({ path: '/gallery', page: lazy(() => import('../../dev/gallery')), nav: { text: 'Gallery' } });
}

/** Where / leads to, unless a page is there. */
export const home = routes.find((route) => route.nav)?.path ?? '/';
