import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import type { NewAccessKey } from '@/api/iam';
import { FirstFocus } from '@/components/FirstFocus';
import { CopyButton } from '@/components/CopyButton';

/** Shows a new access key with its secret, which nobody can see again. It is forgotten when the dialog closes, which takes a word where it was neither copied nor looked at. */
export function NewKeyDialog({ made, owner, onClose }: { made: NewAccessKey; owner: string; onClose(): void }) {
  const [shown, setShown] = useState(false);
  const [kept, setKept] = useState(false);
  const [asked, setAsked] = useState(false);
  const keep = () => setKept(true);
  const close = () => (kept ? onClose() : setAsked(true));
  const profile = `[cairn]\naws_access_key_id = ${made.AccessKeyId}\naws_secret_access_key = ${made.SecretAccessKey}\n`;
  return (
    <Modal
      visible
      onDismiss={({ detail }) => detail.reason !== 'overlay' && close()}
      closeAriaLabel="Close"
      header="New access key"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            {asked && !kept && <Button onClick={onClose}>Close without the secret</Button>}
            <Button variant="primary" onClick={close}>
              Done
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Alert type={asked && !kept ? 'error' : 'warning'}>
          {asked && !kept ? 'The secret has been neither copied nor shown. Nobody can see it again after this is closed.' : 'The secret is shown only now. Copy it before you close this.'}
        </Alert>
        <div className="settings-secret">
          <KeyValuePairs
            items={[
              { label: 'For', value: <span className="breakable">{owner}</span> },
              {
                label: 'Access key ID',
                value: (
                  <>
                    <span className="mono breakable">{made.AccessKeyId}</span> <CopyButton text={made.AccessKeyId} what="access key ID" />
                  </>
                ),
              },
              {
                label: 'Secret access key',
                value: (
                  <>
                    <span className="mono breakable">{shown ? made.SecretAccessKey : '•'.repeat(40)}</span> <FirstFocus>
                      <CopyButton text={made.SecretAccessKey} what="secret access key" onCopied={keep} />
                    </FirstFocus>{' '}
                    <Button
                      variant="inline-link"
                      onClick={() => {
                        setShown(!shown);
                        keep();
                      }}
                      ariaLabel={shown ? 'Hide the secret access key' : 'Show the secret access key'}
                    >
                      {shown ? 'Hide' : 'Show'}
                    </Button>
                  </>
                ),
              },
            ]}
          />
        </div>
        <CopyButton text={profile} what="as a profile for ~/.aws/credentials" label="Copy as a profile" onCopied={keep} />
      </SpaceBetween>
    </Modal>
  );
}
