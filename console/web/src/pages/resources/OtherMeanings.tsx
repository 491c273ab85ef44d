import Alert from '@cloudscape-design/components/alert';
import { Fragment } from 'react';
import type { Timeline } from '@/api/timeline';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { formatCount } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { visible } from '@/components/visible';

/** What else goes by the name: other types, other regions, and who had the name before. */
export function OtherMeanings({ timeline, hrefOf }: { timeline: Timeline; hrefOf: (changes: Record<string, string | undefined>) => string }) {
  const { otherTypes, otherRegions, others = [], name, type = '', account } = timeline;
  if (!otherTypes && !otherRegions && others.length === 0) return null;
  const list = (counts: Record<string, number>, parameter: 'type' | 'region') =>
    Object.entries(counts)
      .sort((a, b) => b[1] - a[1])
      .slice(0, 12)
      .map(([value, count], i) => (
        <Fragment key={value}>
          {i > 0 && ', '}
          <AppLink href={hrefOf({ [parameter]: value })}>
            <span className="breakable">{visible(value)}</span>
          </AppLink>{' '}
          ({formatCount(count, 'event')})
        </Fragment>
      ));
  return (
    <Alert type="info" header="The name has other meanings">
      {otherTypes && <div>Other types of resources with this name: {list(otherTypes, 'type')}.</div>}
      {otherRegions && <div>Resources of this name in other regions: {list(otherRegions, 'region')}.</div>}
      {others.map((other) => (
        <div key={other.eventId} className="breakable">
          Until <TimeText time={other.until} /> another resource had the name {visible(other.name)}. It was renamed to{' '}
          {other.renamedTo && other.renamedTo !== name ? <AppLink href={paths.resource(type, other.renamedTo, { account })}>{visible(other.renamedTo)}</AppLink> : visible(other.renamedTo ?? 'another name')}
          , and is not told of here.
        </div>
      ))}
    </Alert>
  );
}
