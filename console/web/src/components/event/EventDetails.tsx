import KeyValuePairs, { type KeyValuePairsProps } from '@cloudscape-design/components/key-value-pairs';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { summarize, textAt, type FoundEvent } from '@/api/record';
import { CopyButton } from '@/components/CopyButton';
import { TimeText } from '@/components/TimeText';
import { visible } from '@/components/visible';
import { searchable } from './fields';
import { FilterableValue } from './FilterButtons';
import { exactly } from './query';

/** What an event says in its first place, each value with the searches for it. */
export function EventDetails({ event }: { event: FoundEvent }) {
  const { record } = event;
  const said = summarize(record);
  const pair = (label: string, key: string | undefined, value: string, copy = false): KeyValuePairsProps.Pair | undefined => {
    if (!value) return undefined;
    return {
      label,
      value: (
        <>
          <FilterableValue token={key && searchable(value) ? exactly(key, value) : undefined}>{visible(value)}</FilterableValue>
          {copy && <CopyButton text={value} what={label} />}
        </>
      ),
    };
  };
  const items = [
    { label: 'Event time', value: <TimeText time={said.eventTime} /> },
    pair('Event name', 'EventName', said.eventName),
    pair('User name', 'Username', said.userName),
    pair('Source address', 'sourceIPAddress', said.sourceIPAddress),
    pair('Event source', 'EventSource', said.eventSource),
    said.errorCode
      ? { label: 'Error code', value: <FilterableValue token={searchable(said.errorCode) ? exactly('errorCode', said.errorCode) : undefined}><StatusIndicator type="error">{visible(said.errorCode)}</StatusIndicator></FilterableValue> }
      : undefined,
    pair('Error message', undefined, said.errorMessage),
    pair('Identity type', 'path.userIdentity.type', said.identityType),
    pair('Identity ARN', 'userIdentity.arn', said.identityArn, true),
    pair('Called by', 'path.userIdentity.invokedBy', textAt(record, 'userIdentity.invokedBy')),
    pair('Access key ID', 'AccessKeyId', said.accessKeyId, true),
    pair('Signed in with MFA', 'path.userIdentity.sessionContext.attributes.mfaAuthenticated', textAt(record, 'userIdentity.sessionContext.attributes.mfaAuthenticated')),
    pair('User agent', 'path.userAgent', said.userAgent),
    pair('Region', 'region', said.region),
    pair('Account', textAt(record, 'recipientAccountId') ? 'path.recipientAccountId' : 'path.userIdentity.accountId', said.account),
    pair('Read-only', 'ReadOnly', said.readOnly),
    pair('Category', 'category', said.category),
    pair('Event type', 'path.eventType', textAt(record, 'eventType')),
    pair('Request ID', 'path.requestID', said.requestId, true),
    pair('Event ID', 'EventId', said.eventId, true),
  ];
  return <KeyValuePairs columns={4} minColumnWidth={200} items={items.filter((item) => item !== undefined)} />;
}
