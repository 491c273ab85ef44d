import PropertyFilter, { type PropertyFilterProps } from '@cloudscape-design/components/property-filter';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { attributes, getValues, withoutValues, type Attribute } from '@/api/events';
import { isAbort } from '@/api/http';
import type { FoundEvent } from '@/api/record';
import { fieldsOf } from '@/components/event/fields';
import { isGroup, literal, propertyLabel, type EventQuery, type Operator, type Token, type TokenGroup } from '@/components/event/query';
import { formatNumber } from '@/components/format';
import { visible } from '@/components/visible';
import { looked, meaningOf, valuesWithin } from './meaning';

/** How long typing must pause before values are asked for. */
const pause = 150;
/** How long the values may take that tell what was typed, in milliseconds. */
const longestLookup = 1_500;
const mostValues = 50;
/** Attributes whose values are offered before a property is chosen. */
const offered: readonly Attribute[] = ['EventName', 'Username', 'EventSource', 'sourceIPAddress', 'errorCode'];

/** The properties in the order in which they are asked for. */
const commonFirst: readonly Attribute[] = [...offered, ...attributes.filter((one) => !offered.includes(one) && one !== 'EventId'), 'EventId'];

const any: Pick<PropertyFilterProps.FilteringOption, 'value' | 'label' | 'tags'> = { value: '*', label: '*', tags: ['anything: the field is there'] };

export interface FilterProps {
  query: EventQuery;
  onChange: (query: EventQuery) => void;
  /** What is on the page, for the names of paths. */
  events: readonly FoundEvent[];
  operator: boolean;
  regions: readonly string[];
}

/** The conditions of a search, with values and their counts offered as one types. */
export const Filter = memo(function Filter({ query, onChange, events, operator, regions }: FilterProps) {
  const [asked, setAsked] = useState<{ attribute?: Attribute; text: string }>();
  const values = useValues(asked);
  const lookup = useRef<AbortController>(undefined);
  useEffect(() => () => lookup.current?.abort(), []);

  const pathsSeen = useMemo(() => (asked ? pathsOf(events) : []), [asked === undefined, events]);
  const properties = useMemo(() => {
    const used = query.tokens.flatMap((item) => (isGroup(item) ? item.tokens : [item])).map((token) => token.propertyKey);
    const known = [...commonFirst, 'category', 'region', ...(operator ? ['account'] : []), 'errorOnly'];
    const odd = used.filter((key) => !known.includes(key));
    return [...known.map((key) => property(key)), ...[...new Set([...odd, ...pathsSeen])].sort().map((key) => property(key, key.startsWith('path.')))];
  }, [query, pathsSeen, operator]);

  const options = useMemo<PropertyFilterProps.FilteringOption[]>(
    () => [
      ...values.options,
      ...['true', 'false'].map((value) => ({ propertyKey: 'ReadOnly', value })),
      { propertyKey: 'errorOnly', value: 'true' },
      ...['Management', 'Data', 'Insight', 'NetworkActivity'].map((value) => ({ propertyKey: 'category', value })),
      ...regions.map((value) => ({ propertyKey: 'region', value })),
      ...(asked?.attribute || asked?.text === '' ? properties.filter(({ key }) => key !== 'ReadOnly' && key !== 'errorOnly').map(({ key }) => ({ propertyKey: key, ...any })) : []),
    ],
    [values.options, regions, properties, asked],
  );

  const change = ({ detail }: { detail: PropertyFilterProps.Query }) => {
    lookup.current?.abort();
    const items = detail.tokenGroups ?? detail.tokens;
    const flat = items.flatMap((item) => ('operation' in item ? item.tokens : [item]));
    const texts = [...new Set(flat.filter((token) => 'operator' in token && !token.propertyKey && !offerOf(token, values.options)).map((token) => JSON.stringify(typed(token as PropertyFilterProps.Token))))];
    const apply = (meanings: Meanings) =>
      onChange({ operation: detail.operation, tokens: items.map((item) => read(item, values.options, query, meanings)).filter((item) => item !== undefined) });
    if (texts.length === 0) {
      apply(new Map());
      return;
    }
    // What was typed without a property is looked for in the values that there are.
    const stop = (lookup.current = new AbortController());
    const timer = setTimeout(() => stop.abort('slow'), longestLookup);
    void Promise.all(texts.map(async (text) => [text, await meaningOf(...(JSON.parse(text) as Typed), valuesWithin(stop.signal))] as const)).then((found) => {
      clearTimeout(timer);
      if (lookup.current === stop && (!stop.signal.aborted || stop.signal.reason === 'slow')) apply(new Map(found));
    });
  };

  return (
    <PropertyFilter
      query={{ operation: query.operation, tokens: [], tokenGroups: query.tokens.map((item) => (isGroup(item) ? { ...item, tokens: item.tokens.map(shown) } : shown(item))) }}
      onChange={change}
      enableTokenGroups
      filteringProperties={properties}
      filteringOptions={options}
      freeTextFiltering={{ operators: ['=', '!='], defaultOperator: '=' }}
      filteringStatusType={values.status}
      filteringLoadingText="Asking for values"
      filteringErrorText="The values could not be read."
      filteringRecoveryText="Try again"
      filteringFinishedText={values.complete ? undefined : 'There are more values. Type how they begin.'}
      onLoadItems={({ detail }) => {
        const key = detail.filteringProperty?.key;
        setAsked({ attribute: attributes.find((one) => one === key), text: key || detail.filteringText.length > 1 ? detail.filteringText : '' });
      }}
      filteringPlaceholder="Event name, user, address, or path.requestParameters.bucketName = logs"
      filteringAriaLabel="Conditions of the search"
      filteringEmpty="Nothing to offer. Press Enter to search for what you typed."
      virtualScroll
      tokenLimit={6}
      customGroupsText={[{ group: 'paths', properties: 'Paths of the record', values: 'Values at paths' }]}
      i18nStrings={{ ...strings, enteredTextLabel: (text) => `Search for ${JSON.stringify(text)}` }}
    />
  );
});

const strings: PropertyFilterProps.I18nStrings = {
  operatorEqualsText: 'Equals (a * at the end: begins with; * alone: is there)',
  operatorDoesNotEqualText: 'Does not equal (* alone: is not there)',
  operatorStartsWithText: 'Begins with',
  operatorDoesNotStartWithText: 'Does not begin with',
  groupPropertiesText: 'Properties',
  operatorsText: 'Operators',
  clearFiltersText: 'Clear',
  tokenLimitShowMore: 'Show all',
  tokenLimitShowFewer: 'Show fewer',
};

function property(key: string, isPath = false): PropertyFilterProps.FilteringProperty {
  const choice = key === 'ReadOnly' || key === 'errorOnly';
  return {
    key,
    propertyLabel: propertyLabel(key),
    groupValuesLabel: `Values of ${propertyLabel(key)}`,
    operators: (key === 'errorOnly' ? ['='] : choice ? ['=', '!='] : ['=', '!=', '^', '!^']).map((operator) => ({ operator, format: operator.endsWith('=') ? valueText : undefined })),
    defaultOperator: '=',
    group: isPath ? 'paths' : undefined,
  };
}

/** The value of a condition as it is read in its token. */
function valueText(value: unknown): string {
  return visible(value === any.value ? '* (anything)' : String(value ?? ''));
}

type Typed = [text: string, operator: '=' | '!='];
/** What was meant by texts that were typed. */
type Meanings = ReadonlyMap<string, Token | TokenGroup | undefined>;

/** A condition as its token shows it: with a star after a beginning, because "^" says nothing to whoever did not choose it. */
function shown(token: Token): Token {
  return token.operator.endsWith('^') ? { ...token, operator: token.operator === '^' ? '=' : '!=', value: `${token.value}*` } : token;
}

function typed(item: PropertyFilterProps.Token): Typed {
  return [String(item.value ?? '').trim(), item.operator === '!=' ? '!=' : '='];
}

/** What was offered is known to be a value of its property. */
function offerOf(item: PropertyFilterProps.Token | PropertyFilterProps.TokenGroup, offers: readonly PropertyFilterProps.FilteringOption[]) {
  const value = 'operation' in item ? '' : String(item.value ?? '').trim();
  return offers.find((option) => option.value === value && option.value !== any.value);
}

/** A token as the component has it. What was typed without a property is what it means; spaces around it were not meant, but for those of a token that was there. */
function read(item: PropertyFilterProps.Token | PropertyFilterProps.TokenGroup, offers: readonly PropertyFilterProps.FilteringOption[], before: EventQuery, meanings: Meanings): Token | TokenGroup | undefined {
  if ('operation' in item) {
    const tokens = item.tokens.flatMap((one) => {
      const token = read(one, offers, before, meanings);
      // Groups have no groups: alternatives within an OR are its own, and so are parts of an AND.
      return !token ? [] : !isGroup(token) ? [token] : token.operation === item.operation ? [...token.tokens] : token.tokens.slice(0, 1) as Token[];
    });
    return tokens.length > 1 ? { operation: item.operation, tokens } : tokens[0];
  }
  const known = before.tokens
    .flatMap((one) => (isGroup(one) ? one.tokens : [one]))
    .find((one) => one.propertyKey === item.propertyKey && shown(one).value === item.value && shown(one).operator === item.operator);
  if (known) return known;
  const value = String(item.value ?? '').trim();
  if (!item.propertyKey) {
    const offer = offerOf(item, offers);
    return offer ? { propertyKey: offer.propertyKey, operator: typed(item)[1], value } : meanings.get(JSON.stringify(typed(item)));
  }
  return value ? { propertyKey: item.propertyKey, operator: item.operator as Operator, value } : undefined;
}

/** The paths that the records on the page have, the frequent ones of requests first of all. */
function pathsOf(events: readonly FoundEvent[]): string[] {
  const keys = new Set<string>();
  for (const { record } of events) {
    for (const { token } of fieldsOf(record).fields) {
      if (token?.propertyKey.startsWith('path.')) keys.add(token.propertyKey);
      if (keys.size >= 300) return [...keys];
    }
  }
  return [...keys];
}

/** The values of an attribute that begin with a text; of several where none is chosen. Asked after a pause, and cancelled when not wanted any more. */
function useValues(asked: { attribute?: Attribute; text: string } | undefined) {
  const [state, setState] = useState<{ options: PropertyFilterProps.FilteringOption[]; status: PropertyFilterProps.StatusType; complete: boolean }>({
    options: [],
    status: 'finished',
    complete: true,
  });
  const known = useRef(new Map<string, { options: PropertyFilterProps.FilteringOption[]; complete: boolean }>());
  useEffect(() => {
    if (!asked) return;
    const { attribute, text } = asked;
    const wanted = (attribute ? [attribute] : text ? offered : []).filter((one) => !withoutValues.includes(one) && one !== 'ReadOnly');
    if (wanted.length === 0) {
      setState({ options: [], status: 'finished', complete: true });
      return;
    }
    // The API's beginnings are exact; what does not begin so may still be meant.
    const prefix = text.replace(/\*$/, '');
    const key = `${wanted.join()} ${prefix}`;
    const before = known.current.get(key);
    if (before) {
      setState({ ...before, status: 'finished' });
      return;
    }
    const stop = new AbortController();
    setState((now) => ({ ...now, status: 'loading' }));
    const timer = setTimeout(async () => {
      try {
        const lists = await Promise.all(
          wanted.map(async (one) => {
            const most = attribute ? mostValues : 5;
            const begun = await getValues({ attribute: one, prefix: prefix || undefined, limit: most }, { signal: stop.signal });
            const values = begun.values ?? [];
            if (!prefix || values.length >= most) return { one, values, complete: begun.complete };
            // "stoplogging" is meant to find StopLogging.
            const others = (await getValues({ attribute: one, limit: looked }, { signal: stop.signal })).values ?? [];
            const like = others.filter(({ value }) => value.toLowerCase().includes(prefix.toLowerCase()) && !values.some((other) => other.value === value));
            return { one, values: [...values, ...like].slice(0, most), complete: begun.complete };
          }),
        );
        const found = {
          options: lists.flatMap(({ one, values }) =>
            values.map(({ value, count }) => ({ propertyKey: one, value: literal(value), label: visible(value), tags: [`${formatNumber(count)} ×`], filteringTags: [] })),
          ),
          complete: lists.every(({ complete }) => complete),
        };
        if (stop.signal.aborted) return;
        // Counts age; what was typed a while ago is asked for again.
        if (known.current.size > 50) known.current.clear();
        known.current.set(key, found);
        setTimeout(() => known.current.delete(key), 30_000);
        setState({ ...found, status: 'finished' });
      } catch (error) {
        if (!stop.signal.aborted && !isAbort(error)) setState({ options: [], status: 'error', complete: true });
      }
    }, pause);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [asked?.attribute, asked?.text]);
  return state;
}
