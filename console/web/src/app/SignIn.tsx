import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, useState, type FormEvent, type ReactNode } from 'react';
import { FirstFocus } from '@/components/FirstFocus';
import { nameOf } from '@/api/session';
import { ErrorAlert } from '@/components/ErrorAlert';
import { useSessionControl } from './session';

/**
 * Shown in place of the page when nobody is signed in. The address stays, so that signing in leads to the page that was asked for.
 */
export function SignIn() {
  useEffect(() => {
    document.title = 'Sign in · Cairn';
  }, []);
  const { link } = useSessionControl();
  return (
    <main className="sign-in">
      <div>
        <div className="sign-in-brand">
          <img src="/favicon.svg" alt="" width="40" height="40" />
          <Box variant="h1">Cairn</Box>
        </div>
        {link ? <WithLink /> : <WithKey />}
      </div>
    </main>
  );
}

/** The link is redeemed by a click, never by opening it: mail scanners and previews open links. */
function WithLink() {
  const { state, redeemLink, dismissLink } = useSessionControl();
  const { busy, error, run } = useAction();
  const present = state.is === 'signed in' ? state.session : undefined;
  return (
    <Container header={<Header variant="h2">Sign in with a one-time link</Header>}>
      <SpaceBetween size="m">
        <Box>The link works once, within ten minutes of its making, and signs you in as the identity that it was made for.</Box>
        {present && (
          <Alert type="info">
            You are signed in as {nameOf(present.identity)} of account {present.identity.accountId}. The link ends that session.
          </Alert>
        )}
        <ErrorAlert what="The link was not accepted" error={error} />
        {error !== undefined && (
          <Box color="text-body-secondary">
            Make another link on the server with <Box variant="code">cairn console-link</Box>, or sign in with an access key.
          </Box>
        )}
        <SpaceBetween direction="horizontal" size="xs">
          <FirstFocus>
            <Button variant="primary" loading={busy} onClick={() => run(redeemLink)}>
              Sign in
            </Button>
          </FirstFocus>
          <Button variant="link" disabled={busy} onClick={dismissLink}>
            {present ? 'Stay signed in' : 'Use an access key'}
          </Button>
        </SpaceBetween>
      </SpaceBetween>
    </Container>
  );
}

function WithKey() {
  const { state, signIn } = useSessionControl();
  const { busy, error, run } = useAction();
  const [accessKeyId, setAccessKeyId] = useState('');
  const [secretAccessKey, setSecretAccessKey] = useState('');
  const [sessionToken, setSessionToken] = useState('');
  const [region, setRegion] = useState('');
  const [missing, setMissing] = useState(false);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!accessKeyId.trim() || !secretAccessKey.trim()) {
      setMissing(true);
      return;
    }
    void run(() =>
      signIn({
        accessKeyId: accessKeyId.trim(),
        secretAccessKey: secretAccessKey.trim(),
        sessionToken: sessionToken.trim() || undefined,
        region: region.trim() || undefined,
      }),
    );
  };

  let notice: ReactNode = null;
  if (state.is === 'signed out' && state.ended) {
    notice = <Alert type="info">Your session has ended. Sign in to go on where you were.</Alert>;
  }
  if (state.is === 'signed out' && state.left) notice = <Alert type="success">You are signed out.</Alert>;
  const required = (value: string) => (missing && !value.trim() ? 'Required' : undefined);
  return (
    <form onSubmit={submit}>
      <Container header={<Header variant="h2">Sign in</Header>}>
        <Form
          actions={
            <Button variant="primary" loading={busy} formAction="submit">
              Sign in
            </Button>
          }
        >
          <SpaceBetween size="m">
            {notice}
            <ErrorAlert what="You were not signed in" error={error} />
            <FormField label="Access key ID" errorText={required(accessKeyId)}>
              <Input value={accessKeyId} onChange={({ detail }) => setAccessKeyId(detail.value)} autoFocus autoComplete="username" spellcheck={false} name="accessKeyId" />
            </FormField>
            <FormField label="Secret access key" errorText={required(secretAccessKey)}>
              <Input
                type="password"
                value={secretAccessKey}
                onChange={({ detail }) => setSecretAccessKey(detail.value)}
                autoComplete="current-password"
                spellcheck={false}
                name="secretAccessKey"
              />
            </FormField>
            <ExpandableSection headerText="Session token and region">
              <SpaceBetween size="m">
                <FormField label="Session token" description="Only with keys that begin with ASIA.">
                  <Input
                    type="password"
                    value={sessionToken}
                    onChange={({ detail }) => setSessionToken(detail.value)}
                    autoComplete="off"
                    spellcheck={false}
                    name="sessionToken"
                  />
                </FormField>
                <FormField label="Region" description="Where to begin. The server's own region where it is empty.">
                  <Input
                    value={region}
                    onChange={({ detail }) => setRegion(detail.value)}
                    placeholder="us-east-1"
                    autoComplete="off"
                    spellcheck={false}
                    name="region"
                  />
                </FormField>
              </SpaceBetween>
            </ExpandableSection>
            <Box color="text-body-secondary" fontSize="body-s">
              The first start of the server wrote a key to the file <Box variant="code">credentials</Box> in its data directory.{' '}
              <Box variant="code">cairn console-link</Box> makes a link that signs in without a key.
            </Box>
          </SpaceBetween>
        </Form>
      </Container>
    </form>
  );
}

function useAction() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = async (action: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await action();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run };
}
