import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { deleteTrail, startLogging, stopLogging, type Trail } from '@/api/cloudtrail';
import { useNotify } from '@/app/notifications';
import { FirstFocus } from '@/components/FirstFocus';
import { ErrorAlert } from '@/components/ErrorAlert';

export type TrailAction = 'start' | 'stop' | 'delete';

const texts = {
  start: { title: 'Start logging', button: 'Start logging', done: 'logs' },
  stop: { title: 'Stop logging', button: 'Stop logging', done: 'does not log any more' },
  delete: { title: 'Delete trail', button: 'Delete', done: 'is deleted' },
} as const;

/** Asks before a trail is started, stopped or deleted, and does it in the trail's home region. */
export function TrailActionModal({ trail, action, onClose, onDone }: { trail: Trail; action: TrailAction; onClose: () => void; onDone: () => void }) {
  const { notify } = useNotify();
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const text = texts[action];
  const allowed = action !== 'delete' || typed === trail.Name;

  const run = async () => {
    if (!allowed || busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await { start: startLogging, stop: stopLogging, delete: deleteTrail }[action](trail.HomeRegion, trail.TrailARN);
      notify({ type: 'success', content: `Trail ${trail.Name} ${text.done}.` });
      onDone();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };

  return (
    <Modal
      visible
      onDismiss={onClose}
      header={text.title}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Cancel
            </Button>
            <Button variant="primary" disabled={!allowed} loading={busy} onClick={run}>
              {text.button}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <ErrorAlert what={`Trail ${trail.Name}: ${text.title.toLowerCase()} failed`} error={error} />
        {action === 'start' && <div>Trail {trail.Name} begins to deliver the events that arrive from now on. Those of the time in which it did not log stay out.</div>}
        {action === 'stop' && (
          <Alert type="warning">
            Trail {trail.Name} delivers nothing of what happens from now on. What happened before is delivered still, and so is the event of this call. Events go on being
            kept in the event history.
          </Alert>
        )}
        {action === 'delete' && (
          <>
            <Alert type="warning">
              Trail {trail.Name} of {trail.HomeRegion} is removed with its settings. Its log files and digests stay in the bucket {trail.S3BucketName}. This cannot be undone.
            </Alert>
            <form
              onSubmit={(event) => {
                event.preventDefault();
                void run();
              }}
            >
              <FirstFocus>
                <FormField label={`To confirm, type ${trail.Name}`}>
                  <Input value={typed} onChange={({ detail }) => setTyped(detail.value)} placeholder={trail.Name} autoFocus autoComplete={false} spellcheck={false} />
                </FormField>
              </FirstFocus>
            </form>
          </>
        )}
      </SpaceBetween>
    </Modal>
  );
}
