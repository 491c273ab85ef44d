import AppLayoutToolbar, { type AppLayoutToolbarProps } from '@cloudscape-design/components/app-layout-toolbar';
import BreadcrumbGroup from '@cloudscape-design/components/breadcrumb-group';
import ContentLayout from '@cloudscape-design/components/content-layout';
import Header from '@cloudscape-design/components/header';
import { useEffect, type ReactNode } from 'react';
import { useSavedState } from '@/components/savedState';
import { useFollow } from '@/components/AppLink';
import { Navigation } from './Navigation';
import { NotificationList } from './notifications';

export interface PageProps {
  /** The heading, the last breadcrumb and the title of the window. */
  title: string;
  /** What lies above this page, without the console itself. */
  breadcrumbs?: { text: string; href: string }[];
  description?: ReactNode;
  /** Buttons beside the heading. */
  actions?: ReactNode;
  /** Replaces the heading; null where the content has an h1 of its own, such as a full-page table. */
  header?: ReactNode;
  contentType?: AppLayoutToolbarProps['contentType'];
  /** A SplitPanel, and whether it is open. */
  splitPanel?: ReactNode;
  splitPanelOpen?: boolean;
  onSplitPanelToggle?: (open: boolean) => void;
  children: ReactNode;
}

/** The frame that every page puts around itself: navigation, breadcrumbs, notifications, heading, split panel. */
export function Page(props: PageProps) {
  const { title, breadcrumbs = [], description, actions, header, contentType = 'default', children } = props;
  const [navigationOpen, setNavigationOpen] = useSavedState('look.navigation', innerWidth > 688);
  const [panel, setPanel] = useSavedState<AppLayoutToolbarProps.SplitPanelPreferences>('look.splitPanel', { position: 'bottom' });
  const [panelSize, setPanelSize] = useSavedState('look.splitPanelSize', 400);
  const follow = useFollow();

  useEffect(() => {
    document.title = `${title} · Cairn`;
    // A page that comes without being loaded is not announced by screen readers.
    const announcer = document.getElementById('announcer');
    if (announcer) announcer.textContent = title;
  }, [title]);

  const heading =
    header === undefined ? (
      <Header variant="h1" description={description} actions={actions}>
        {title}
      </Header>
    ) : (
      header
    );
  return (
    <AppLayoutToolbar
      headerSelector="#top"
      contentType={contentType}
      navigation={<Navigation />}
      navigationOpen={navigationOpen}
      onNavigationChange={({ detail }) => setNavigationOpen(detail.open)}
      toolsHide
      notifications={<NotificationList />}
      stickyNotifications
      breadcrumbs={
        <BreadcrumbGroup
          items={[{ text: 'Cairn', href: '/' }, ...breadcrumbs, { text: title, href: location.pathname + location.search }]}
          onFollow={follow}
          ariaLabel="Breadcrumbs"
        />
      }
      splitPanel={props.splitPanel}
      splitPanelOpen={props.splitPanelOpen ?? false}
      onSplitPanelToggle={({ detail }) => props.onSplitPanelToggle?.(detail.open)}
      splitPanelPreferences={panel}
      onSplitPanelPreferencesChange={({ detail }) => setPanel(detail)}
      splitPanelSize={panelSize}
      onSplitPanelResize={({ detail }) => setPanelSize(detail.size)}
      content={heading ? <ContentLayout header={heading}>{children}</ContentLayout> : children}
      ariaLabels={{
        navigation: 'Pages',
        navigationClose: 'Close the navigation',
        navigationToggle: 'Open the navigation',
        notifications: 'Notifications',
      }}
    />
  );
}
