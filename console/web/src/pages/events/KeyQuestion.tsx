import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import type { RecordSummary } from '@/api/record';
import { FirstFocus } from '@/components/FirstFocus';
import type { Search } from '@/components/event/search';
import { keyWeek } from './questions';

export const keyQuestion = { id: 'key', text: 'What did an access key do in a week?', secondaryText: 'All its calls' };

/** Asks which access key is meant. That of the chosen event is searched for around the event, any other in the last week. */
export function KeyQuestion({ chosen, onAsk, onDismiss }: { chosen: RecordSummary | undefined; onAsk: (search: Search) => void; onDismiss: () => void }) {
  const [accessKey, setAccessKey] = useState(chosen?.accessKeyId ?? '');
  const [missing, setMissing] = useState(false);
  const ask = () => {
    const wanted = accessKey.trim();
    if (!wanted) {
      setMissing(true);
      return;
    }
    const time = chosen?.accessKeyId === wanted ? Date.parse(chosen.eventTime) : NaN;
    onAsk(keyWeek(wanted, Number.isFinite(time) ? time : undefined));
  };
  return (
    <Modal
      visible
      onDismiss={onDismiss}
      header={keyQuestion.text}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onDismiss}>
              Cancel
            </Button>
            <Button variant="primary" onClick={ask}>
              Search
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <FirstFocus>
          <FormField
            label="Access key ID"
            description={chosen?.accessKeyId ? 'The chosen event’s key: the week around that event. Another key: the last seven days.' : 'The last seven days are searched.'}
            errorText={missing && !accessKey.trim() ? 'Required' : undefined}
          >
            <Input value={accessKey} onChange={({ detail }) => setAccessKey(detail.value)} placeholder="AKIA…" spellcheck={false} autoFocus />
          </FormField>
        </FirstFocus>
      </form>
    </Modal>
  );
}
