import Box from '@cloudscape-design/components/box';
import Badge from '@cloudscape-design/components/badge';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Settings } from '@/api/settings';
import { useSession } from '@/app/session';
import { Command } from '@/components/Command';
import { useCairn } from '@/components/useCairn';
import { CopyButton } from '@/components/CopyButton';
import { TimeText } from '@/components/TimeText';
import { PagedTable } from './PagedTable';

/** The account that one is signed in to, and for operators all others. */
export function AccountTab({ settings }: { settings: Settings }) {
  const { identity } = useSession();
  const cairn = useCairn();
  const { account, accounts } = settings;
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2">This account</Header>}>
        <KeyValuePairs
          columns={4}
          items={[
            {
              label: 'Account ID',
              value: (
                <>
                  <span className="mono">{account.accountId}</span> <CopyButton text={account.accountId} what="account ID" />
                </>
              ),
            },
            { label: 'Alias', value: account.alias ? <span className="breakable">{account.alias}</span> : 'none' },
            { label: 'Created', value: account.created ? <TimeText time={account.created} /> : 'made by its first use, in development mode' },
            { label: 'Rights', value: account.operator ? 'Its root user is an operator, who may act across accounts' : 'Its own events and resources only' },
          ]}
        />
      </Container>
      {accounts ? (
        <PagedTable
          name="Accounts"
          description="Accounts are walls: each sees its own events only, but for operators."
          items={accounts}
          textOf={(one) => `${one.accountId} ${one.alias ?? ''}`}
          trackBy={(one) => one.accountId}
          empty="No account was added."
          columns={[
            {
              id: 'id',
              header: 'Account ID',
              minWidth: 180,
              isRowHeader: true,
              cell: (one) => (
                <SpaceBetween size="xs" direction="horizontal">
                  <span className="mono">{one.accountId}</span>
                  {one.operator && <Badge color="blue">operator</Badge>}
                  {one.accountId === identity.accountId && <Badge>this one</Badge>}
                </SpaceBetween>
              ),
            },
            { id: 'alias', header: 'Alias', minWidth: 110, cell: (one) => <span className="breakable">{one.alias || '-'}</span> },
            { id: 'created', header: 'Created', minWidth: 140, cell: (one) => <TimeText time={one.created} /> },
            { id: 'keys', header: "Root user's access keys", minWidth: 190, cell: (one) => <span className="mono breakable">{one.accessKeyIds?.join(', ') || 'none'}</span> },
          ]}
          footer={
            <SpaceBetween size="xs">
              <Box color="text-body-secondary">
                Accounts are added on the server's machine, by the owner of its data directory. The command prints the access key of the new account's root user, once:
              </Box>
              {cairn && <Command text={cairn('account add 210987654321')} />}
            </SpaceBetween>
          }
        />
      ) : (
        <StatusIndicator type="info">Other accounts are shown to operators only.</StatusIndicator>
      )}
    </SpaceBetween>
  );
}
