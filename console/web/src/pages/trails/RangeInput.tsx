import DateRangePicker, { type DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';
import { useTimeZone } from '@/components/TimeText';

const units = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800, month: 2_592_000, year: 31_536_000 };
const options: DateRangePickerProps.RelativeOption[] = [
  { key: 'hour', amount: 1, unit: 'hour', type: 'relative' },
  { key: 'day', amount: 1, unit: 'day', type: 'relative' },
  { key: 'week', amount: 1, unit: 'week', type: 'relative' },
  { key: 'month', amount: 30, unit: 'day', type: 'relative' },
];

/** A time range; nothing chosen means all the time that there is. */
export function RangeInput({ value, onChange, placeholder, ariaLabel }: {
  value: DateRangePickerProps.Value | null;
  onChange: (value: DateRangePickerProps.Value | null) => void;
  placeholder: string;
  ariaLabel: string;
}) {
  const [zone] = useTimeZone();
  return (
    <DateRangePicker
      value={value}
      onChange={({ detail }) => onChange(detail.value)}
      relativeOptions={options}
      placeholder={placeholder}
      timeOffset={zone === 'utc' ? 0 : undefined}
      isValidRange={(range) => {
        if (range?.type !== 'absolute') return { valid: true };
        if (!range.startDate || !range.endDate) return { valid: false, errorMessage: 'Choose a start and an end.' };
        return new Date(range.startDate) < new Date(range.endDate) ? { valid: true } : { valid: false, errorMessage: 'The start lies behind the end.' };
      }}
      i18nStrings={{
        ariaLabel,
        formatRelativeRange: ({ amount, unit }) => `Last ${amount === 1 ? unit : `${amount} ${unit}s`}`,
        formatUnit: (unit, n) => (n === 1 ? unit : `${unit}s`),
      }}
    />
  );
}

/** The times of a range as the server's routes take them. */
export function timesOf(value: DateRangePickerProps.Value | null, now = Date.now()): { since?: string; until?: string } {
  if (!value) return {};
  if (value.type === 'relative') return { since: new Date(now - value.amount * units[value.unit] * 1000).toISOString() };
  return { since: new Date(value.startDate).toISOString(), until: new Date(value.endDate).toISOString() };
}
