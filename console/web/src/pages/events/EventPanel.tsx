import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import SplitPanel from '@cloudscape-design/components/split-panel';
import Tabs from '@cloudscape-design/components/tabs';
import { useEffect, useState } from 'react';
import { summarize, type FoundEvent } from '@/api/record';
import { paths } from '@/app/paths';
import { useFollow } from '@/components/AppLink';
import { Comparison } from '@/components/event/Comparison';
import { EventDetails } from '@/components/event/EventDetails';
import { EventEvidence } from '@/components/event/EventEvidence';
import { EventFields } from '@/components/event/EventFields';
import { EventResources } from '@/components/event/EventResources';
import { aroundPath, identityToken } from '@/components/event/links';
import { resourcesOf } from '@/components/event/resources';
import { formatCount } from '@/components/format';
import { JsonView } from '@/components/JsonView';
import { TimeText } from '@/components/TimeText';
import { visible } from '@/components/visible';

const strings = {
  closeButtonAriaLabel: 'Close the panel',
  openButtonAriaLabel: 'Open the panel',
  preferencesTitle: 'Where the panel is',
  preferencesPositionLabel: 'Position',
  preferencesPositionDescription: 'Of the panel on the page',
  preferencesPositionSide: 'At the side',
  preferencesPositionBottom: 'Below',
  preferencesConfirm: 'Confirm',
  preferencesCancel: 'Cancel',
  resizeHandleAriaLabel: 'Resize the panel',
  resizeHandleTooltipText: 'Drag, or press Enter, to resize',
};

export interface EventPanelProps {
  selected: readonly FoundEvent[];
  onPrevious?: () => void;
  onNext?: () => void;
  /** Told when the panel is there, whose code comes later than the page. */
  onShown: (shown: boolean) => void;
}

/** Shows the chosen event below the table, or several side by side. */
export default function EventPanel({ selected, onPrevious, onNext, onShown }: EventPanelProps) {
  useEffect(() => {
    onShown(true);
    return () => onShown(false);
  }, [onShown]);
  const [tab, setTab] = useState('details');
  const follow = useFollow();
  const event = selected[0];
  if (!event) return null;
  if (selected.length > 1) {
    const ids = selected.map(({ record }) => summarize(record).eventId).filter((id) => id !== '');
    return (
      <SplitPanel
        header={formatCount(selected.length, 'event')}
        i18nStrings={strings}
        headerActions={
          <Button href={paths.compare(ids)} onFollow={follow}>
            Open the comparison
          </Button>
        }
      >
        <div className="events-panel" />
        <Comparison events={selected.slice(0, 5)} />
      </SplitPanel>
    );
  }
  const said = summarize(event.record);
  const around = aroundPath(event, identityToken(event));
  const resources = resourcesOf(event);
  return (
    <SplitPanel
      header={visible(said.eventName) || 'Event without a name'}
      headerDescription={<TimeText time={said.eventTime} />}
      i18nStrings={strings}
      headerActions={
        <SpaceBetween direction="horizontal" size="xs">
          <Button iconName="angle-up" variant="icon" ariaLabel="Previous event" disabled={!onPrevious} onClick={onPrevious} />
          <Button iconName="angle-down" variant="icon" ariaLabel="Next event" disabled={!onNext} onClick={onNext} />
        </SpaceBetween>
      }
    >
      <div className="events-panel" />
      <SpaceBetween size="m">
        <SpaceBetween direction="horizontal" size="xs">
          {around && (
            <Button href={around} onFollow={follow}>
              Five minutes around, same identity
            </Button>
          )}
          {said.eventId && (
            <Button href={paths.event(said.eventId)} onFollow={follow}>
              Open on its own page
            </Button>
          )}
        </SpaceBetween>
        <Tabs
          activeTabId={tab}
          onChange={({ detail }) => setTab(detail.activeTabId)}
          ariaLabel="Parts of the event"
          tabs={[
            { id: 'details', label: 'Details', content: <EventDetails event={event} /> },
            { id: 'resources', label: `Resources referenced (${resources.length})`, content: <EventResources key={event.seq} event={event} /> },
            { id: 'record', label: 'Event record', content: <JsonView text={event.raw} what="event record" /> },
            { id: 'fields', label: 'Fields', content: <EventFields key={event.seq} event={event} /> },
            { id: 'evidence', label: 'Origin and integrity', content: <EventEvidence event={event} /> },
          ]}
        />
      </SpaceBetween>
    </SplitPanel>
  );
}
