import Box from '@cloudscape-design/components/box';
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import type { Relationship, Timeline } from '@/api/timeline';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { formatNumber } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { visible } from '@/components/visible';
import { accountIn, roleText } from './facts';

const pageSize = 10;

/** The other resources that calls named together with this one. */
export function Relationships({ timeline }: { timeline: Timeline }) {
  const [page, setPage] = useState(1);
  const { relationships, account } = timeline;
  const pages = Math.max(1, Math.ceil(relationships.length / pageSize));
  return (
    <Table
      header={
        <Header variant="h2" counter={`(${formatNumber(relationships.length)})`} description="Other resources in the same calls.">
          Relationships
        </Header>
      }
      items={relationships.slice((Math.min(page, pages) - 1) * pageSize, Math.min(page, pages) * pageSize)}
      wrapLines
      enableKeyboardNavigation
      ariaLabels={{ tableLabel: 'Relationships' }}
      pagination={
        pages > 1 && (
          <Pagination
            currentPageIndex={Math.min(page, pages)}
            pagesCount={pages}
            onChange={({ detail }) => setPage(detail.currentPageIndex)}
            ariaLabels={{ paginationLabel: 'Pages of relationships', previousPageLabel: 'Previous page', nextPageLabel: 'Next page', pageLabel: (n) => `Page ${n}` }}
          />
        )
      }
      empty={<Box color="text-body-secondary">No call names another resource with it.</Box>}
      columnDefinitions={[
        {
          id: 'other',
          header: 'Resource',
          isRowHeader: true,
          minWidth: 170,
          cell: (other) => (
            <>
              {linked(other) ? (
                <AppLink href={paths.resource(other.type ?? '', other.name, { account: accountIn(other.name) || account })} ariaLabel={`Timeline of ${visible(other.name)}`}>
                  <span className="breakable">{visible(other.name)}</span>
                </AppLink>
              ) : (
                <span className="breakable">{visible(other.name)}</span>
              )}
              <Box variant="small" color="text-body-secondary" display="block">
                <span className="breakable">{visible(other.type ?? '') || 'type not known'}</span>
                {!linked(other) && <> · Link not available: owned by AWS</>}
              </Box>
            </>
          ),
        },
        {
          id: 'role',
          header: 'Role',
          minWidth: 120,
          cell: ({ role, current }) => (
            <>
              {visible(roleText(role))}
              {current !== undefined && (
                <div>
                  <StatusIndicator type={current ? 'success' : 'stopped'}>{current ? 'Stands' : 'Ended'}</StatusIndicator>
                </div>
              )}
            </>
          ),
        },
        {
          id: 'events',
          header: 'Events',
          minWidth: 150,
          cell: ({ events, failed = 0, last }) => (
            <>
              {formatNumber(events)}
              {failed > 0 && <Box variant="span" color="text-status-error">{`, ${formatNumber(failed)} failed`}</Box>}
              <Box variant="small" color="text-body-secondary" display="block">
                last <TimeText time={last} />
              </Box>
            </>
          ),
        },
      ]}
    />
  );
}

/** Whether the resource can have a timeline here: those of AWS itself, such as its policies, cannot. */
function linked({ name }: Relationship): boolean {
  return !/^arn:[^:]*:[^:]*:[^:]*:aws:/.test(name);
}
