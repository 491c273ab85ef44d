import Box from '@cloudscape-design/components/box';
import Pagination from '@cloudscape-design/components/pagination';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useMemo, useState } from 'react';
import type { FoundEvent } from '@/api/record';
import { formatCount } from '@/components/format';
import { visible } from '@/components/visible';
import { exactRecord, fieldsOf } from './fields';
import { FilterableValue } from './FilterButtons';

const pageSize = 50;

/** Every value of the record, each with the searches for it. */
export function EventFields({ event }: { event: FoundEvent }) {
  const [text, setText] = useState('');
  const [page, setPage] = useState(1);
  const { fields, more } = useMemo(() => fieldsOf(exactRecord(event)), [event]);
  const wanted = text.trim().toLowerCase();
  const found = wanted ? fields.filter((field) => field.path.toLowerCase().includes(wanted) || field.text.toLowerCase().includes(wanted)) : fields;
  const pages = Math.max(1, Math.ceil(found.length / pageSize));
  const at = Math.min(page, pages);
  return (
    <Table
      variant="embedded"
      enableKeyboardNavigation
      items={found.slice((at - 1) * pageSize, at * pageSize)}
      wrapLines
      contentDensity="compact"
      ariaLabels={{ tableLabel: 'Fields of the record' }}
      filter={
        <TextFilter
          filteringText={text}
          filteringPlaceholder="Find a field or a value"
          filteringAriaLabel="Find a field or a value"
          filteringClearAriaLabel="Clear"
          countText={wanted ? formatCount(found.length, 'field') : ''}
          onChange={({ detail }) => {
            setText(detail.filteringText);
            setPage(1);
          }}
        />
      }
      pagination={pages > 1 && <Pagination currentPageIndex={at} pagesCount={pages} onChange={({ detail }) => setPage(detail.currentPageIndex)} ariaLabels={{ paginationLabel: 'Pages of fields' }} />}
      empty={<Box color="text-body-secondary">{wanted ? 'No field has this in its name or value.' : 'The record is empty.'}</Box>}
      footer={more && <Box color="text-body-secondary">The record has more fields than can be listed. Its JSON has them all.</Box>}
      columnDefinitions={[
        { id: 'field', header: 'Field', minWidth: 140, isRowHeader: true, cell: ({ path }) => <span className="mono breakable">{visible(path)}</span> },
        { id: 'value', header: 'Value', minWidth: 180, cell: ({ text: value, token }) => <FilterableValue token={token}>{shortened(visible(value))}</FilterableValue> },
      ]}
    />
  );
}

const longest = 2_000;

function shortened(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}… (${formatCount(text.length, 'character')}; the JSON has it whole)` : text;
}
