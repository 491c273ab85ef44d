import Button from '@cloudscape-design/components/button';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { formatCount, formatNumber } from '@/components/format';
import { visible } from '@/components/visible';
import { followed, type Followed } from './useFollow';

/** How the following of new events goes. */
export function FollowBar({ live, paused, onPause, onStop }: { live: Followed; paused: boolean; onPause: () => void; onStop: () => void }) {
  return (
    <div className="events-live">
      <StatusIndicator type={live.error ? 'error' : paused ? 'stopped' : live.connection === 'live' ? 'success' : 'in-progress'}>
        {live.error ? 'Not following' : paused ? 'Paused' : live.connection === 'live' ? 'Live' : live.connection === 'connecting' ? 'Connecting' : 'Connection lost; trying again'}
      </StatusIndicator>
      <span>
        {formatCount(live.arrived, 'new event')}, the newest {followed} are shown{live.waiting > 0 && `; ${formatNumber(live.waiting)} held back`}
      </span>
      <Button variant="inline-link" onClick={onPause}>
        {paused ? 'Go on' : 'Pause'}
      </Button>
      <Button variant="inline-link" onClick={onStop}>
        Stop
      </Button>
      {live.damage && <StatusIndicator type="warning">{visible(live.damage)}</StatusIndicator>}
    </div>
  );
}
