import Badge from '@cloudscape-design/components/badge';
import Button from '@cloudscape-design/components/button';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { listGroups, listPolicies, listRoles, listUsers, timeOf, type NewAccessKey, type User } from '@/api/iam';
import { searchPath } from '@/app/paths';
import { useSession } from '@/app/session';
import { AppLink } from '@/components/AppLink';
import { formatNumber } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { useLoad } from '@/components/useLoad';
import { AccessKeys } from './AccessKeys';
import { CreateUser, DeleteUser } from './UserDialogs';
import { NewKeyDialog } from './NewKeyDialog';
import { PagedTable } from './PagedTable';
import { useUrlState } from '@/components/urlState';

const kinds = [
  { id: 'users', text: 'Users' },
  { id: 'groups', text: 'Groups' },
  { id: 'roles', text: 'Roles' },
  { id: 'policies', text: 'Policies' },
];

/** The identities of the account: IAM's, as far as the identity may see them. */
export function IdentitiesTab() {
  const [params, setParams] = useUrlState();
  const kind = kinds.find(({ id }) => id === params.get('kind'))?.id ?? 'users';
  return (
    <SpaceBetween size="l">
      <SegmentedControl
        selectedId={kind}
        options={kinds}
        label="Kind of identity"
        onChange={({ detail }) => setParams({ tab: 'identities', kind: detail.selectedId === 'users' ? undefined : detail.selectedId })}
      />
      {kind === 'users' && <Users />}
      {kind === 'groups' && <Groups />}
      {kind === 'roles' && <Roles />}
      {kind === 'policies' && <Policies />}
    </SpaceBetween>
  );
}

function Users() {
  const { identity } = useSession();
  const users = useLoad((signal) => listUsers({ signal }), []);
  const [chosen, setChosen] = useState<string>();
  const [dialog, setDialog] = useState<'create' | 'delete'>();
  const [newKey, setNewKey] = useState<{ made: NewAccessKey; owner: string }>();
  const list = users.data ?? [];
  const user = list.find(({ UserName }) => UserName === chosen);
  // Everybody may be allowed to replace the own keys, even who may see nobody else.
  const own = identity.type === 'IAMUser' ? identity.userName : undefined;
  return (
    <SpaceBetween size="l">
      {(identity.type === 'Root' || own) && <AccessKeys key="own" userName={own} onNewKey={setNewKey} />}
      <PagedTable<User>
        name="Users"
        description="A user signs in, here and with AWS clients, with an access key. Choose one to see its keys."
        items={list}
        loading={users.loading}
        error={users.error}
        onRetry={users.reload}
        textOf={(one) => `${one.UserName} ${one.Path} ${one.UserId}`}
        trackBy={(one) => one.UserName}
        empty="No users"
        selected={user}
        onSelect={(one) => setChosen(one.UserName)}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <Button disabled={!user} onClick={() => setDialog('delete')}>
              Delete
            </Button>
            <Button variant="primary" onClick={() => setDialog('create')}>
              Create user
            </Button>
          </SpaceBetween>
        }
        columns={[
          {
            id: 'name',
            header: 'User name',
            minWidth: 150,
            isRowHeader: true,
            cell: (one) => (
              <SpaceBetween size="xs" direction="horizontal">
                <span className="breakable">{one.UserName}</span>
                {one.Arn === identity.arn && <Badge color="blue">you</Badge>}
              </SpaceBetween>
            ),
          },
          { id: 'path', header: 'Path', minWidth: 90, cell: (one) => <span className="breakable">{one.Path}</span> },
          { id: 'id', header: 'ID', minWidth: 180, cell: (one) => <span className="mono breakable">{one.UserId}</span> },
          { id: 'created', header: 'Created', minWidth: 140, cell: (one) => <TimeText time={timeOf(one.CreateDate)} /> },
          { id: 'events', header: 'Events', minWidth: 80, cell: (one) => <AppLink href={searchPath({ Username: one.UserName })} ariaLabel={`Show events of ${one.UserName}`}>Show</AppLink> },
        ]}
      />
      {user && user.UserName !== own && <AccessKeys key={user.UserName} userName={user.UserName} onNewKey={setNewKey} />}
      {dialog === 'create' && (
        <CreateUser
          onClose={() => setDialog(undefined)}
          onCreated={(name, key) => {
            setDialog(undefined);
            setChosen(name);
            users.reload();
            if (key) setNewKey({ made: key, owner: `user ${name}` });
          }}
        />
      )}
      {dialog === 'delete' && user && (
        <DeleteUser
          userName={user.UserName}
          own={user.Arn === identity.arn}
          onClose={(changed) => {
            setDialog(undefined);
            if (changed) {
              setChosen(undefined);
              users.reload();
            }
          }}
        />
      )}
      {newKey && <NewKeyDialog {...newKey} onClose={() => setNewKey(undefined)} />}
    </SpaceBetween>
  );
}

function Groups() {
  const groups = useLoad((signal) => listGroups({ signal }), []);
  return (
    <PagedTable
      name="Groups"
      description={<ReadOnly what="Groups" command="aws iam create-group" />}
      items={groups.data ?? []}
      loading={groups.loading}
      error={groups.error}
      onRetry={groups.reload}
      textOf={(one) => one.GroupName + one.Path}
      trackBy={(one) => one.GroupName}
      empty="No groups"
      columns={[
        { id: 'name', header: 'Group name', minWidth: 150, isRowHeader: true, cell: (one) => <span className="breakable">{one.GroupName}</span> },
        { id: 'arn', header: 'ARN', minWidth: 240, cell: (one) => <span className="mono breakable">{one.Arn}</span> },
        { id: 'created', header: 'Created', minWidth: 140, cell: (one) => <TimeText time={timeOf(one.CreateDate)} /> },
      ]}
    />
  );
}

function Roles() {
  const roles = useLoad((signal) => listRoles({ signal }), []);
  return (
    <PagedTable
      name="Roles"
      description={<ReadOnly what="Roles" command="aws iam create-role" />}
      items={roles.data ?? []}
      loading={roles.loading}
      error={roles.error}
      onRetry={roles.reload}
      textOf={(one) => `${one.RoleName} ${one.Path} ${one.Description ?? ''}`}
      trackBy={(one) => one.RoleName}
      empty="No roles"
      columns={[
        { id: 'name', header: 'Role name', minWidth: 150, isRowHeader: true, cell: (one) => <span className="breakable">{one.RoleName}</span> },
        { id: 'arn', header: 'ARN', minWidth: 240, cell: (one) => <span className="mono breakable">{one.Arn}</span> },
        { id: 'description', header: 'Description', minWidth: 180, cell: (one) => <span className="breakable">{one.Description || '-'}</span> },
        { id: 'created', header: 'Created', minWidth: 140, cell: (one) => <TimeText time={timeOf(one.CreateDate)} /> },
      ]}
    />
  );
}

function Policies() {
  const policies = useLoad((signal) => listPolicies('Local', { signal }), []);
  return (
    <PagedTable
      name="Policies"
      description={<ReadOnly what="The account's own managed policies" command="aws iam create-policy" />}
      items={policies.data ?? []}
      loading={policies.loading}
      error={policies.error}
      onRetry={policies.reload}
      textOf={(one) => `${one.PolicyName} ${one.Path} ${one.Description ?? ''}`}
      trackBy={(one) => one.Arn}
      empty="No policies of the account's own"
      columns={[
        { id: 'name', header: 'Policy name', minWidth: 150, isRowHeader: true, cell: (one) => <span className="breakable">{one.PolicyName}</span> },
        { id: 'arn', header: 'ARN', minWidth: 240, cell: (one) => <span className="mono breakable">{one.Arn}</span> },
        { id: 'attached', header: 'Attached', minWidth: 90, cell: (one) => formatNumber(one.AttachmentCount ?? 0) },
        { id: 'version', header: 'Version', minWidth: 90, cell: (one) => one.DefaultVersionId },
        { id: 'updated', header: 'Updated', minWidth: 140, cell: (one) => <TimeText time={timeOf(one.UpdateDate)} /> },
      ]}
    />
  );
}

function ReadOnly({ what, command }: { what: string; command: string }) {
  return (
    <>
      {what} are listed here, and changed with AWS clients: <code className="mono">{command}</code>
    </>
  );
}
