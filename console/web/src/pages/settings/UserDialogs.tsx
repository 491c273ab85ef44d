import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import Multiselect, { type MultiselectProps } from '@cloudscape-design/components/multiselect';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState, type FormEvent } from 'react';
import { attachUserPolicy, createAccessKey, createUser, deleteUser, listPolicies, userBelongings, type NewAccessKey, type UserBelongings } from '@/api/iam';
import { useNotify } from '@/app/notifications';
import { FirstFocus } from '@/components/FirstFocus';
import { ErrorAlert } from '@/components/ErrorAlert';
import { formatCount } from '@/components/format';
import { Loading } from '@/components/Loading';
import { useLoad } from '@/components/useLoad';

const namePattern = /^[\w+=,.@-]{1,64}$/;

/** Makes a user, with policies and an access key if that is wanted. */
export function CreateUser({ onClose, onCreated }: { onClose(): void; onCreated(name: string, key?: NewAccessKey): void }) {
  const { notify, notifyError } = useNotify();
  const [name, setName] = useState('');
  const [touched, setTouched] = useState(false);
  const [chosen, setChosen] = useState<readonly MultiselectProps.Option[]>([]);
  const [withKey, setWithKey] = useState(true);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const policies = useLoad((signal) => listPolicies('All', { signal }), []);
  const bad = !namePattern.test(name);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setTouched(true);
    if (bad || busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await createUser(name);
    } catch (caught) {
      setError(caught);
      setBusy(false);
      return;
    }
    // From here on there is a user. What fails after it is told beside it.
    notify({ type: 'success', content: `User ${name} was created.` });
    for (const { value, label } of chosen) {
      await attachUserPolicy(name, value!).catch((caught: unknown) => notifyError(`Policy ${label} was not attached to user ${name}`, caught));
    }
    const key = withKey
      ? await createAccessKey(name).catch((caught: unknown) => {
          notifyError(`No access key was made for user ${name}`, caught);
          return undefined;
        })
      : undefined;
    onCreated(name, key);
  };

  return (
    <Modal visible onDismiss={onClose} closeAriaLabel="Close" header="Create user">
      <FirstFocus>
        <form onSubmit={(event) => void submit(event)}>
          <Form
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="link" formAction="none" onClick={onClose}>
                  Cancel
                </Button>
                <Button variant="primary" loading={busy}>
                  Create user
                </Button>
              </SpaceBetween>
            }
            errorText={undefined}
          >
            <SpaceBetween size="m">
              <ErrorAlert what="The user was not created" error={error} />
              <FormField
                label="User name"
                constraintText="1 to 64 letters, digits and any of _ + = , . @ -"
                errorText={touched && bad ? 'Give a name of 1 to 64 letters, digits and any of _ + = , . @ -' : undefined}
              >
                <Input value={name} onChange={({ detail }) => setName(detail.value)} onBlur={() => name && setTouched(true)} spellcheck={false} autoComplete="off" autoFocus />
              </FormField>
              <FormField
                label={<>Managed policies - <i>optional</i></>}
                description="A user without a policy may do nothing."
                errorText={policies.error ? 'The policies could not be listed.' : undefined}
              >
                <Multiselect
                  selectedOptions={chosen}
                  onChange={({ detail }) => setChosen(detail.selectedOptions)}
                  options={(policies.data ?? []).map((policy) => ({
                    value: policy.Arn,
                    label: policy.PolicyName,
                    tags: [policy.Arn.startsWith('arn:aws:iam::aws:') ? 'AWS managed' : "the account's own"],
                  }))}
                  statusType={policies.loading ? 'loading' : policies.error ? 'error' : 'finished'}
                  loadingText="Loading the policies"
                  errorText="The policies could not be listed"
                  recoveryText="Try again"
                  onLoadItems={() => policies.error !== undefined && policies.reload()}
                  filteringType="auto"
                  filteringAriaLabel="Find a policy"
                  placeholder="Choose policies"
                  empty="No policies"
                  deselectAriaLabel={(option) => `Remove ${option.label}`}
                  expandToViewport
                />
              </FormField>
              <Checkbox checked={withKey} onChange={({ detail }) => setWithKey(detail.checked)}>
                Create an access key as well
              </Checkbox>
            </SpaceBetween>
          </Form>
        </form>
      </FirstFocus>
    </Modal>
  );
}

/** Deletes a user with all that it has, once its name is typed. */
export function DeleteUser({ userName, own, onClose }: { userName: string; own: boolean; onClose(changed: boolean): void }) {
  const { notify } = useNotify();
  const belongings = useLoad((signal) => userBelongings(userName, { signal }), [userName]);
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (typed !== userName || busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await deleteUser(userName);
      notify({ type: 'success', content: `User ${userName} was deleted.` });
      onClose(true);
    } catch (caught) {
      setError(caught);
      belongings.reload();
      setBusy(false);
    }
  };
  return (
    <Modal visible onDismiss={() => onClose(error !== undefined)} closeAriaLabel="Close" header="Delete user?">
      <FirstFocus>
        <form onSubmit={(event) => void submit(event)}>
          <Form
            actions={
              <SpaceBetween direction="horizontal" size="xs">
                <Button variant="link" formAction="none" onClick={() => onClose(error !== undefined)}>
                  Cancel
                </Button>
                <Button variant="primary" loading={busy} disabled={typed !== userName}>
                  Delete user
                </Button>
              </SpaceBetween>
            }
          >
            <SpaceBetween size="m">
              <ErrorAlert what="The user was not deleted" error={error} />
              <div className="breakable">
                User <b>{userName}</b> will be gone for good, with what it has. Its events stay.
              </div>
              {belongings.data ? <Belongings has={belongings.data} /> : belongings.error ? <ErrorAlert what="What the user has could not be listed" error={belongings.error} onRetry={belongings.reload} /> : <Loading what="Looking at what the user has" />}
              {own && <Alert type="warning">It is the user that is signed in here: you will be signed out.</Alert>}
              <FormField label="To confirm, type the user's name">
                <Input value={typed} onChange={({ detail }) => setTyped(detail.value)} placeholder={userName} spellcheck={false} autoComplete="off" autoFocus />
              </FormField>
            </SpaceBetween>
          </Form>
        </form>
      </FirstFocus>
    </Modal>
  );
}

function Belongings({ has }: { has: UserBelongings }) {
  const lines = [
    has.keys.length > 0 && `${formatCount(has.keys.length, 'access key')}: ${has.keys.map((key) => `${key.AccessKeyId} (${key.Status.toLowerCase()})`).join(', ')}`,
    has.attached.length > 0 && `${formatCount(has.attached.length, 'managed policy', 'managed policies')} (which stay): ${has.attached.map((policy) => policy.PolicyName).join(', ')}`,
    has.inline.length > 0 && `${formatCount(has.inline.length, 'inline policy', 'inline policies')}: ${has.inline.join(', ')}`,
    has.groups.length > 0 && `membership of ${formatCount(has.groups.length, 'group')}: ${has.groups.map((group) => group.GroupName).join(', ')}`,
  ].filter((line) => line !== false);
  if (lines.length === 0) return <Box color="text-body-secondary">It has no access keys, policies or groups.</Box>;
  return (
    <ul className="breakable">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
