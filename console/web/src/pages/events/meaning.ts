import { getValues, type Attribute, type ValueCount } from '@/api/events';
import { interpret, isGroup, literal, type EventQuery, type Operator, type Token, type TokenGroup } from '@/components/event/query';

// What somebody means who types a value without saying of what.

/** Attributes in which a value without a property is looked for, the likely ones first. */
export const meant = ['Username', 'EventName', 'EventSource', 'sourceIPAddress', 'errorCode'] as const satisfies readonly Attribute[];
/** Those that are searched where no value is known. */
const searched = meant.slice(0, 4);
const mostSuggestions = 5;
/** How many values of an attribute are looked through for one that is written otherwise. */
export const looked = 1000;

/** Gives the values of an attribute that begin with a text. */
export type Lookup = (attribute: Attribute, prefix: string, limit: number) => Promise<readonly ValueCount[]>;

/** The search for values, as long as it may take. */
export function valuesWithin(signal: AbortSignal): Lookup {
  return async (attribute, prefix, limit) => (await getValues({ attribute, prefix: prefix || undefined, limit }, { signal })).values ?? [];
}

/**
 * Makes a condition of a text. Where neither its form nor a name before it tells the property, that whose values know it: as it is, or else as a
 * beginning. Where none does, any of four may begin with it.
 */
export async function meaningOf(text: string, operator: '=' | '!=', lookup: Lookup): Promise<Token | TokenGroup | undefined> {
  const plain = interpret(text, operator);
  const value = text.trim();
  // What names its property has less of a value than was typed.
  if (plain?.propertyKey !== 'EventName' || plain.value !== value) return plain;
  const prefix = value.replace(/\*$/, '');
  const lists = await Promise.all(meant.map((attribute) => lookup(attribute, prefix, 5).catch((): readonly ValueCount[] => [])));
  const exact = meant.filter((_, i) => lists[i]!.some((one) => one.value === value));
  const begins: Operator = operator === '=' ? '^' : '!^';
  const attributes = exact.length > 0 ? exact : meant.filter((_, i) => lists[i]!.length > 0);
  const tokens = (attributes.length > 0 ? attributes : searched).map((propertyKey): Token => {
    if (exact.length > 0) return { propertyKey, operator, value: literal(value) };
    return prefix.endsWith('\\') || prefix === '' ? { propertyKey, operator, value: literal(value) } : { propertyKey, operator: begins, value: prefix };
  });
  return tokens.length === 1 ? tokens[0] : { operation: operator === '=' ? 'or' : 'and', tokens };
}

export interface Suggestion {
  token: Token;
  count: number;
}

/** Values that are there and contain what a search looks for, upper and lower case alike. */
export async function suggestionsFor(query: EventQuery, lookup: Lookup): Promise<Suggestion[]> {
  const tokens = query.tokens.flatMap((item) => (isGroup(item) ? item.tokens : [item]));
  const found = new Map<string, Suggestion>();
  for (const [i, token] of tokens.entries()) {
    const attribute = meant.find((one) => one === token.propertyKey);
    const text = token.value.replace(/\*$/, '').replace(/\\(.)/g, '$1').toLowerCase();
    if (!attribute || token.operator.startsWith('!') || text.length < 2 || tokens.findIndex((other) => other.propertyKey === token.propertyKey && other.value === token.value) < i) continue;
    for (const { value, count } of await lookup(attribute, '', looked)) {
      if (value.toLowerCase().includes(text) && literal(value) !== token.value) found.set(`${attribute} ${value}`, { token: { propertyKey: attribute, operator: '=', value: literal(value) }, count });
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count).slice(0, mostSuggestions);
}

/** The search with a suggestion in place of the conditions that it stands for. */
export function withSuggestion(query: EventQuery, { propertyKey, value }: Token): EventQuery {
  const plain = value.replace(/\\(.)/g, '$1').toLowerCase();
  const replaced = (token: Token) =>
    meant.some((one) => one === token.propertyKey) && !token.operator.startsWith('!') && plain.includes(token.value.replace(/\*$/, '').replace(/\\(.)/g, '$1').toLowerCase());
  const kept = query.tokens.filter((item) => !(isGroup(item) ? item.tokens.every(replaced) : replaced(item)));
  const token: Token = { propertyKey, operator: '=', value };
  return query.operation === 'or' ? { operation: 'and', tokens: [token] } : { operation: 'and', tokens: [...kept, token] };
}
