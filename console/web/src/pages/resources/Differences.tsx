import Box from '@cloudscape-design/components/box';
import { useState } from 'react';
import type { Difference } from '@/api/timeline';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { formatCount } from '@/components/format';
import { visible } from '@/components/visible';
import { valueText } from './facts';

const longest = 400;

// The roles are those that the elements have anyway: on narrow screens the table is laid out as blocks, which would take them away.

/** What a change has changed, field by field. */
export function Differences({ differences, more, eventId, unset }: { differences: readonly Difference[]; more: number; eventId: string; unset: string }) {
  return (
    <div className="resources-differences">
      <table role="table">
        <thead role="rowgroup">
          <tr role="row">
            <th scope="col" role="columnheader">Field</th>
            <th scope="col" role="columnheader">Before</th>
            <th scope="col" role="columnheader">After</th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {differences.map((difference, i) => (
            <tr key={i} role="row">
              <th scope="row" role="rowheader" className="breakable">
                {visible(difference.path)}
              </th>
              <td role="cell" data-label="Before">{difference.before === undefined ? <Quiet>{difference.change !== 'added' ? 'not known' : difference.path.endsWith('[]') ? 'not in the list' : unset}</Quiet> : <del><Value value={difference.before} /></del>}</td>
              <td role="cell" data-label="After">{difference.after === undefined ? <Quiet>{difference.change === 'removed' ? 'removed' : 'not known'}</Quiet> : <ins><Value value={difference.after} /></ins>}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && (
        <Box variant="small" color="text-body-secondary" display="block">
          {formatCount(more, 'more field', 'more fields')} {more === 1 ? 'differs' : 'differ'}, which <AppLink href={paths.event(eventId)} fontSize="inherit">the event</AppLink> has.
        </Box>
      )}
    </div>
  );
}

function Value({ value }: { value: unknown }) {
  const [whole, setWhole] = useState(false);
  const text = visible(valueText(value));
  if (whole || text.length <= longest) return <span className="mono breakable">{text}</span>;
  return (
    <>
      <span className="mono breakable">{text.slice(0, longest)}…</span>{' '}
      <button type="button" className="resources-more" onClick={() => setWhole(true)}>
        show all of {formatCount(text.length, 'character')}
      </button>
    </>
  );
}

function Quiet({ children }: { children: string }) {
  return <span className="resources-quiet">{children}</span>;
}
