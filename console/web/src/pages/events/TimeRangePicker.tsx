import DateRangePicker, { type DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import { secondsText, type TimeRange } from '@/components/event/range';
import { formatTime, useTimeZone } from '@/components/TimeText';

const presets: DateRangePickerProps.RelativeOption[] = (
  [
    [30, 'minute'],
    [1, 'hour'],
    [3, 'hour'],
    [12, 'hour'],
    [24, 'hour'],
    [7, 'day'],
    [90, 'day'],
  ] as const
).map(([amount, unit]) => ({ key: `${amount}${unit}`, amount, unit, type: 'relative' }));

/** Chooses the time range of a search, in UTC or the local zone. */
export function TimeRangePicker({ range, onChange }: { range: TimeRange; onChange: (range: TimeRange) => void }) {
  const [zone, setZone] = useTimeZone();
  return (
    <div className="events-range">
      <DateRangePicker
        value={valueOf(range)}
        onChange={({ detail }) => onChange(rangeOf(detail.value))}
        relativeOptions={presets}
        isValidRange={check}
        timeOffset={zone === 'utc' ? 0 : undefined}
        placeholder="All time"
        showClearButton
        dateInputFormat="iso"
        absoluteFormat="iso"
        ariaLabel="Time range"
        i18nStrings={{
          relativeModeTitle: 'Relative',
          absoluteModeTitle: 'Absolute',
          relativeRangeSelectionHeading: 'Choose a range',
          customRelativeRangeOptionLabel: 'Custom range',
          customRelativeRangeOptionDescription: 'Up to now',
          clearButtonLabel: 'All time',
          applyButtonLabel: 'Apply',
          cancelButtonLabel: 'Cancel',
          formatRelativeRange: ({ amount, unit }) => `Last ${amount} ${amount === 1 ? unit : `${unit}s`}`,
          formatUnit: (unit, amount) => (amount === 1 ? unit : `${unit}s`),
        }}
      />
      <SegmentedControl
        label="Time zone"
        selectedId={zone}
        onChange={({ detail }) => setZone(detail.selectedId === 'local' ? 'local' : 'utc')}
        options={[
          { id: 'utc', text: 'UTC' },
          { id: 'local', text: 'Local' },
        ]}
      />
    </div>
  );
}

/** A range in words: for texts about a search. */
export function rangeText(range: TimeRange, zone: 'utc' | 'local'): string {
  if (range.is === 'all') return 'at any time';
  if (range.is === 'last') return range.amount === 1 ? `in the last ${range.unit}` : `in the last ${range.amount} ${range.unit}s`;
  const text = (time: string) => (Number.isNaN(Date.parse(time)) ? time : formatTime(new Date(time), zone));
  return [range.since && `from ${text(range.since)}`, range.until && `until ${text(range.until)}`].filter(Boolean).join(' ');
}

function valueOf(range: TimeRange): DateRangePickerProps.Value | null {
  switch (range.is) {
    case 'all':
      return null;
    case 'last':
      return { type: 'relative', key: `${range.amount}${range.unit}`, amount: range.amount, unit: range.unit };
    case 'between':
      return { type: 'absolute', startDate: dateOf(range.since, 0), endDate: dateOf(range.until, Date.now()) };
  }
}

/** A time in the form that the component takes; what has no bound there is shown with the widest one. */
function dateOf(text: string | undefined, otherwise: number): string {
  const time = text === undefined ? otherwise : /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  return secondsText(Number.isFinite(time) ? time : otherwise);
}

function rangeOf(value: DateRangePickerProps.Value | null): TimeRange {
  if (!value) return { is: 'all' };
  if (value.type === 'relative') return { is: 'last', amount: value.amount, unit: value.unit };
  return { is: 'between', since: secondsText(Date.parse(value.startDate)), until: secondsText(Date.parse(value.endDate)) };
}

function check(value: DateRangePickerProps.Value | null): DateRangePickerProps.ValidationResult {
  if (!value) return { valid: true };
  if (value.type === 'relative') {
    return Number.isInteger(value.amount) && value.amount > 0 && value.amount < 1_000_000 ? { valid: true } : { valid: false, errorMessage: 'Give a whole number from 1 on.' };
  }
  const start = Date.parse(value.startDate);
  const end = Date.parse(value.endDate);
  if (Number.isNaN(start) || Number.isNaN(end)) return { valid: false, errorMessage: 'Give both the beginning and the end.' };
  return end < start ? { valid: false, errorMessage: 'The range ends before it begins.' } : { valid: true };
}
