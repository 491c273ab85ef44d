import { lazy, type ComponentType, type LazyExoticComponent } from 'react';

/** A page: its path in wouter's form, its code, and its place in the navigation, where it has one. */
export interface Route {
  path: string;
  page: LazyExoticComponent<ComponentType>;
  nav?: { text: string; section?: 'Trails' | 'Administration' };
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
