import { I18nProvider } from '@cloudscape-design/components/i18n';
import { Suspense, useEffect, useState } from 'react';
import { matchRoute, Redirect, Route, Switch, useLocation, useRouter } from 'wouter';
import { ErrorAlert } from '@/components/ErrorAlert';
import { Loading } from '@/components/Loading';
import { ErrorBoundary } from './ErrorBoundary';
import { useApplyLook } from './look';
import { NotFound } from './NotFound';
import { NotificationsProvider } from './notifications';
import { Page } from './Page';
import { home, preload, routes } from './routes';
import { SessionProvider, useSession, useSessionControl } from './session';
import { SignIn } from './SignIn';
import { TopBar } from './TopBar';
import messages from '@cloudscape-design/components/i18n/messages/all.en';

export function App({ link }: { link: string | undefined }) {
  return (
    <I18nProvider locale="en" messages={[messages]}>
      <SessionProvider link={link}>
        <ErrorBoundary>
          <Content />
        </ErrorBoundary>
      </SessionProvider>
    </I18nProvider>
  );
}

function Content() {
  useApplyLook();
  const { state, link, reload } = useSessionControl();
  const [path] = useLocation();
  const { parser } = useRouter();
  // The first page's code comes while the session is asked for.
  const [ready, setReady] = useState(false);
  useEffect(() => {
    void preload(routes.find((route) => matchRoute(parser, route.path, path === '/' ? home : path)[0])).then(() => setReady(true));
  }, []);
  if (link) return <SignIn />;
  switch (state.is) {
    case 'loading':
      return <Loading />;
    case 'unreachable':
      return (
        <main className="sign-in">
          <div>
            <ErrorAlert what="The console could not be opened" error={state.error} onRetry={reload} />
          </div>
        </main>
      );
    case 'signed out':
      return <SignIn />;
    case 'signed in':
      return ready ? <SignedIn /> : <Loading />;
  }
}

function SignedIn() {
  const { identity, region } = useSession();
  const [path] = useLocation();
  const { parser } = useRouter();
  const at = routes.find((route) => matchRoute(parser, route.path, path)[0])?.path;
  // Nothing that was read for one identity or region may stay on a page for another. What was done, and a download, goes on in another region.
  return (
    <NotificationsProvider key={identity.arn}>
      <TopBar />
      <div id="announcer" className="offscreen" role="status" />
      <ErrorBoundary key={region} reset={path}>
        {/* One for each page, because while another page's code comes the one before would stay, hidden, with its frame beside the new one. */}
        <Suspense
          key={at}
          fallback={
            <Page title="Loading" header={null}>
              <Loading />
            </Page>
          }
        >
          <Switch>
            {routes.map(({ path: pattern, page }) => (
              <Route key={pattern} path={pattern} component={page} />
            ))}
            {home !== '/' && (
              <Route path="/">
                <Redirect to={home} replace />
              </Route>
            )}
            <Route>
              <NotFound />
            </Route>
          </Switch>
        </Suspense>
      </ErrorBoundary>
    </NotificationsProvider>
  );
}
