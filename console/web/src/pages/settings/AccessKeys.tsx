import Alert from '@cloudscape-design/components/alert';
import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import { accessKeyUse, createAccessKey, deleteAccessKey, listAccessKeys, setAccessKeyStatus, timeOf, type AccessKeyMetadata, type AccessKeyUse, type NewAccessKey } from '@/api/iam';
import { useNotify } from '@/app/notifications';
import { useSession } from '@/app/session';
import { EmptyState } from '@/components/EmptyState';
import { ErrorAlert } from '@/components/ErrorAlert';
import { formatAgo } from '@/components/format';
import { LoadError } from '@/components/LoadError';
import { TimeText } from '@/components/TimeText';
import { useLoad } from '@/components/useLoad';

type Key = AccessKeyMetadata & { use?: AccessKeyUse };

/** The access keys of a user, or without a name of the root user that is signed in: at most two. */
export function AccessKeys({ userName, onNewKey }: { userName: string | undefined; onNewKey(key: { made: NewAccessKey; owner: string }): void }) {
  const { identity } = useSession();
  const { notify, notifyError } = useNotify();
  const [busy, setBusy] = useState('');
  const [asking, setAsking] = useState<{ key: Key; to: 'Inactive' | 'deleted' }>();
  const keys = useLoad(
    async (signal): Promise<Key[]> => {
      const list = await listAccessKeys(userName, { signal });
      // Who may list keys may not always ask when they were used: then that is not known.
      return Promise.all(list.map(async (key) => ({ ...key, use: await accessKeyUse(key.AccessKeyId, { signal }).catch(() => undefined) })));
    },
    [userName],
  );
  const owner = userName === undefined ? 'the root user' : `user ${userName}`;

  const act = async (what: string, failed: string, action: () => Promise<unknown>, done?: string) => {
    setBusy(what);
    try {
      await action();
      if (done) notify({ type: 'success', content: done });
      keys.reload();
    } catch (error) {
      notifyError(failed, error);
    } finally {
      setBusy('');
    }
  };
  const create = () =>
    act('create', `No access key was made for ${owner}`, async () => {
      onNewKey({ made: await createAccessKey(userName), owner });
    });
  const activate = (id: string) => act(id, `Access key ${id} was not activated`, () => setAccessKeyStatus(userName, id, 'Active'), `Access key ${id} is active.`);

  return (
    <>
      <Table<Key>
        variant="container"
        header={
          <Header
            variant="h2"
            counter={keys.data && `(${keys.data.length})`}
            description="At most two, so that one can be replaced while the other is in use."
            actions={
              <Button onClick={() => void create()} loading={busy === 'create'} disabled={!keys.data || keys.data.length >= 2}>
                Create access key
              </Button>
            }
          >
            <span className="breakable">Access keys of {owner}</span>
          </Header>
        }
        items={keys.data ?? []}
        trackBy="AccessKeyId"
        loading={keys.loading && !keys.data}
        loadingText="Loading the access keys"
        wrapLines
        enableKeyboardNavigation
        ariaLabels={{ tableLabel: `Access keys of ${owner}` }}
        empty={
          keys.error ? (
            <LoadError what={`The access keys of ${owner} could not be listed`} error={keys.error} onRetry={keys.reload} />
          ) : (
            <EmptyState title="No access keys">Without one nobody can sign in as {owner}.</EmptyState>
          )
        }
        columnDefinitions={[
          {
            id: 'id',
            header: 'Access key ID',
            minWidth: 210,
            isRowHeader: true,
            cell: (key) => (
              <SpaceBetween size="xs" direction="horizontal">
                <span className="mono breakable">{key.AccessKeyId}</span>
                {key.AccessKeyId === identity.accessKeyId && <Badge color="blue">this session's</Badge>}
              </SpaceBetween>
            ),
          },
          { id: 'status', header: 'Status', minWidth: 130, cell: (key) => <StatusIndicator type={key.Status === 'Active' ? 'success' : 'stopped'}>{key.Status}</StatusIndicator> },
          { id: 'created', header: 'Created', minWidth: 140, cell: (key) => <TimeText time={timeOf(key.CreateDate)} /> },
          { id: 'used', header: 'Last used', minWidth: 130, cell: (key) => <LastUsed use={key.use} /> },
          {
            id: 'actions',
            header: 'Actions',
            minWidth: 160,
            cell: (key) => (
              <SpaceBetween size="xs" direction="horizontal">
                {key.Status === 'Active' ? (
                  <Button variant="inline-link" onClick={() => setAsking({ key, to: 'Inactive' })} ariaLabel={`Deactivate ${key.AccessKeyId}`}>
                    Deactivate
                  </Button>
                ) : (
                  <Button variant="inline-link" loading={busy === key.AccessKeyId} onClick={() => void activate(key.AccessKeyId)} ariaLabel={`Activate ${key.AccessKeyId}`}>
                    Activate
                  </Button>
                )}
                <Button variant="inline-link" onClick={() => setAsking({ key, to: 'deleted' })} ariaLabel={`Delete ${key.AccessKeyId}`}>
                  Delete
                </Button>
              </SpaceBetween>
            ),
          },
        ]}
      />
      {asking && (
        <ConfirmKey
          accessKeyId={asking.key.AccessKeyId}
          to={asking.to}
          userName={userName}
          owner={owner}
          own={asking.key.AccessKeyId === identity.accessKeyId}
          onClose={(changed) => {
            setAsking(undefined);
            if (changed) keys.reload();
          }}
        />
      )}
    </>
  );
}

function LastUsed({ use }: { use: AccessKeyUse | undefined }) {
  if (!use) return <>not known</>;
  const at = timeOf(use.LastUsedDate);
  if (!at) return <>never</>;
  return (
    <SpaceBetween size="xxs">
      <span>{formatAgo(at)}</span>
      <Box variant="small" color="text-body-secondary">
        <span className="breakable">
          {use.ServiceName} in {use.Region}
        </span>
      </Box>
    </SpaceBetween>
  );
}

interface ConfirmProps {
  accessKeyId: string;
  to: 'Inactive' | 'deleted';
  userName: string | undefined;
  owner: string;
  /** It is the key of this session. */
  own: boolean;
  onClose(changed: boolean): void;
}

/** Asks before a key stops working. */
function ConfirmKey({ accessKeyId, to, userName, owner, own, onClose }: ConfirmProps) {
  const { notify } = useNotify();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const verb = to === 'deleted' ? 'Delete' : 'Deactivate';
  const go = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await (to === 'deleted' ? deleteAccessKey(userName, accessKeyId) : setAccessKeyStatus(userName, accessKeyId, 'Inactive'));
      notify({ type: 'success', content: `Access key ${accessKeyId} is ${to === 'deleted' ? 'deleted' : 'inactive'}.` });
      onClose(true);
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      onDismiss={() => onClose(false)}
      closeAriaLabel="Close"
      header={`${verb} access key?`}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={() => onClose(false)}>
              Cancel
            </Button>
            <Button variant="primary" loading={busy} onClick={() => void go()}>
              {verb}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <div className="breakable">
          <span className="mono">{accessKeyId}</span> of {owner} will be refused at once, here and for all clients.
          {to === 'deleted' ? ' This cannot be undone.' : ' It can be activated again.'}
        </div>
        {own && <Alert type="warning">It is the key of this session: you will be signed out.</Alert>}
        <ErrorAlert what={`The access key was not ${to === 'deleted' ? 'deleted' : 'deactivated'}`} error={error} />
      </SpaceBetween>
    </Modal>
  );
}
