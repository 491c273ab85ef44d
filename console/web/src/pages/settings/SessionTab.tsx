import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import { useState } from 'react';
import { nameOf } from '@/api/session';
import { useNotify } from '@/app/notifications';
import { useSession, useSessionControl } from '@/app/session';
import { CopyButton } from '@/components/CopyButton';
import { formatAgo, formatDuration } from '@/components/format';
import { TimeText } from '@/components/TimeText';

/** Who is signed in, where, and until when. */
export function SessionTab() {
  const session = useSession();
  const { signOut } = useSessionControl();
  const { notifyError } = useNotify();
  const [busy, setBusy] = useState(false);
  const { identity } = session;
  const leave = async () => {
    setBusy(true);
    await signOut().catch((error: unknown) => {
      notifyError('You were not signed out', error);
      setBusy(false);
    });
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="A session has no rights of its own: each call counts as its access key's."
          actions={
            <Button onClick={() => void leave()} loading={busy}>
              Sign out
            </Button>
          }
        >
          This session
        </Header>
      }
    >
      <KeyValuePairs
        columns={3}
        minColumnWidth={200}
        items={[
          { label: 'Signed in as', value: <span className="breakable">{nameOf(identity)} ({identity.type})</span> },
          {
            label: 'ARN',
            value: (
              <>
                <span className="mono breakable">{identity.arn}</span> <CopyButton text={identity.arn} what="ARN" />
              </>
            ),
          },
          { label: 'Account', value: <span className="mono">{identity.accountId}</span> },
          { label: 'Rights', value: identity.operator ? 'Operator: may act across accounts' : 'Within its account' },
          { label: 'Access key', value: identity.accessKeyId ? <span className="mono breakable">{identity.accessKeyId}</span> : 'none' },
          { label: 'Region', value: session.region },
          { label: 'At', value: <span className="breakable">{location.origin}</span> },
          { label: 'Ends without use after', value: formatDuration(session.idleSeconds) },
          {
            label: 'Ends in any case',
            value: session.expires ? (
              <>
                <TimeText time={session.expires} /> ({formatAgo(session.expires)})
              </>
            ) : (
              'when the server stops'
            ),
          },
        ]}
      />
    </Container>
  );
}
