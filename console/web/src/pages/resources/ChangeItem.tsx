import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { memo } from 'react';
import type { Change } from '@/api/timeline';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { formatCount } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { visible } from '@/components/visible';
import { Differences } from './Differences';
import { authorPath, effectTexts, isLong, shortIdentity } from './facts';

const colors = { created: 'green', updated: 'blue', deleted: 'red', renamed: 'blue', unknown: 'grey' } as const;

/** One event of a timeline: who, when, what, how it ended, and what it changed. */
export const ChangeItem = memo(function ChangeItem({
  change,
  account,
  renamed,
  unset,
  chosen,
  onChoose,
}: {
  change: Change;
  account: string;
  /** The resource had several names, so that each event tells its own. */
  renamed: boolean;
  /** What it means that a field was not known before: "not set", where the creation is known. */
  unset: string;
  chosen: boolean;
  /** Shows the configuration behind the event, or no longer; undefined where that is what it was before. */
  onChoose: (() => void) | undefined;
}) {
  const { effect, differences = [], moreDifferences = 0 } = change;
  const who = change.userArn || change.username || '';
  const byName = visible(shortIdentity(who));
  const by = authorPath({ arn: change.userArn ?? '', username: change.username ?? '' }, account);
  const count = differences.length + moreDifferences;
  const shown = <Differences differences={differences} more={moreDifferences} eventId={change.eventId} unset={unset} />;
  return (
    <li className={`resources-change resources-${effect}${chosen ? ' resources-chosen' : ''}`}>
      <div className="resources-change-head">
        <span className="resources-change-what">
          <AppLink href={paths.event(change.eventId)} fontSize="heading-s" ariaLabel={`Event ${visible(change.eventName)}`}>
            <span className="breakable">{visible(change.eventName) || 'Event'}</span>
          </AppLink>{' '}
          {effect === 'failed' ? <StatusIndicator type="error">Failed</StatusIndicator> : effect !== 'none' && <Badge color={colors[effect]}>{effectTexts[effect]}</Badge>}
        </span>
        {onChoose && (
          <Button variant="inline-link" onClick={onChoose} ariaLabel={chosen ? undefined : `Configuration then, behind ${visible(change.eventName)} of ${change.eventTime}`}>
            {chosen ? 'Configuration now' : 'Configuration then'}
          </Button>
        )}
      </div>
      <div className="resources-change-facts">
        <TimeText time={change.eventTime} />
        {byName && <span className="breakable">by {by ? <AppLink href={by} ariaLabel={`What ${byName} did`}>{byName}</AppLink> : byName}</span>}
        {change.sourceIPAddress && <span className="breakable">from {visible(change.sourceIPAddress)}</span>}
        <span className="breakable">{visible(change.eventSource)}</span>
        {change.origin !== 'recorded' && <span>{visible(change.origin)}</span>}
        {renamed && <span className="breakable">as {visible(change.name)}</span>}
      </div>
      {(change.errorCode || change.errorMessage) && (
        <div className="resources-error breakable">
          <strong>{visible(change.errorCode ?? '')}</strong>
          {change.errorCode && change.errorMessage ? ': ' : ''}
          {visible(change.errorMessage ?? '')}
        </div>
      )}
      {effect === 'unknown' && (
        <Box color="text-body-secondary" variant="small" display="block">
          The call may have changed the resource; what it changes is not known here. The event has the whole request.
        </Box>
      )}
      {effect === 'updated' && count === 0 && (
        <Box color="text-body-secondary" variant="small" display="block">
          Nothing is different from what was known before.
        </Box>
      )}
      {count > 0 && (effect === 'deleted' || isLong(differences) ? <ExpandableSection variant="inline" headerText={`${formatCount(count, 'field')} ${did(effect, count)}`}>{shown}</ExpandableSection> : shown)}
    </li>
  );
});

/** What is told of so many fields: "2 fields differ". */
function did(effect: Change['effect'], count: number): string {
  if (effect === 'created') return 'that it was made with';
  if (effect === 'deleted') return 'that it had';
  return count === 1 ? 'differs' : 'differ';
}
