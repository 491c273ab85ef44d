import Badge from '@cloudscape-design/components/badge';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import type { Settings } from '@/api/settings';
import { useNotify } from '@/app/notifications';
import { useSession, useSessionControl } from '@/app/session';
import { Command } from '@/components/Command';
import { useCairn } from '@/components/useCairn';
import { PagedTable } from './PagedTable';

/** The regions that there are. The session tells them, so that everybody sees them. */
export function RegionsTab({ settings }: { settings: Settings | undefined }) {
  const { region: current, regions } = useSession();
  const cairn = useCairn();
  const { setRegion } = useSessionControl();
  const { notifyError } = useNotify();
  const [going, setGoing] = useState('');
  const go = async (region: string) => {
    setGoing(region);
    try {
      await setRegion(region);
    } catch (error) {
      notifyError(`The session stays in ${current}`, error);
      setGoing('');
    }
  };
  return (
    <PagedTable
      name="Regions"
      description="Trails, keys and topics belong to a region. Events have the region of their call."
      items={regions}
      textOf={(region) => region}
      trackBy={(region) => region}
      empty="No regions"
      columns={[
        {
          id: 'region',
          header: 'Region',
          minWidth: 160,
          isRowHeader: true,
          cell: (region) => (
            <SpaceBetween size="xs" direction="horizontal">
              <span>{region}</span>
              {region === current && <Badge color="blue">this session's</Badge>}
              {region === settings?.region && <Badge>default</Badge>}
              {region === 'us-east-1' && <Badge>global services</Badge>}
            </SpaceBetween>
          ),
        },
        {
          id: 'go',
          header: 'Session',
          minWidth: 100,
          cell: (region) =>
            region === current ? (
              'is here'
            ) : (
              <Button variant="inline-link" loading={going === region} onClick={() => void go(region)} ariaLabel={`Go there, to ${region}`}>
                Go there
              </Button>
            ),
        },
      ]}
      footer={
        <SpaceBetween size="xs">
          <Box color="text-body-secondary">Which regions there are is a setting of the server, read at its start{cairn ? ':' : '.'}</Box>
          {cairn && <Command text={cairn(`serve --regions ${[...regions, 'eu-north-1'].filter((region, i, all) => all.indexOf(region) === i).join(',')}`)} />}
        </SpaceBetween>
      }
    />
  );
}
