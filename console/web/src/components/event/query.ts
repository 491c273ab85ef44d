import { attributes } from '@/api/events';

// What a search asks for, as people build it and as GET /_cairn/api/events takes it. The parameters of the page's address are those of the
// API, so that a link to a search is a search anywhere.

/** "=" and "!=" have their value in the API's notation: a star at its end means "begins with", \* is a star, * alone is anything. */
export type Operator = '=' | '!=' | '^' | '!^';

/** A condition. The property is an attribute, "path." with a path of the record, or one of region, account, category, errorOnly. */
export interface Token {
  propertyKey: string;
  operator: Operator;
  value: string;
}

export interface TokenGroup {
  operation: 'and' | 'or';
  tokens: readonly Token[];
}

export interface EventQuery {
  operation: 'and' | 'or';
  tokens: readonly (Token | TokenGroup)[];
}

export const noQuery: EventQuery = { operation: 'and', tokens: [] };

/** A query that the API cannot be asked. */
export class QueryProblem extends Error {}

/** Properties that stand once and for one value in the API, and the path of the record that says the same. */
const scopes: Record<string, string> = { region: 'path.awsRegion', account: 'path.recipientAccountId', category: 'path.eventCategory' };

const mostClauses = 64;
/** The API takes 256 values. */
const mostValues = 256;

/** Reads a query from the parameters of a search. What is not known is kept, so that the server can say so. */
export function parseQuery(params: URLSearchParams): EventQuery {
  const clauses: Token[][] = [];
  const groups = new Map<string, Map<string, Token[]>>();
  for (const name of new Set(params.keys())) {
    const group = /^or\.([A-Za-z0-9_-]{1,32})\.(.+)$/s.exec(name);
    const [key, not] = negated(group ? group[2]! : name);
    const tokens = unique(params.getAll(name).map((value) => parseToken(key, not, value)));
    if (group) {
      const members = groups.get(group[1]!) ?? new Map<string, Token[]>();
      groups.set(group[1]!, members.set(`${not} ${key}`, [...(members.get(`${not} ${key}`) ?? []), ...tokens]));
    } else if (not) clauses.push(...tokens.map((token) => [token]));
    else clauses.push(tokens);
  }
  for (const members of groups.values()) {
    // Several values of a "not" mean that none may match: within alternatives that is an AND of its own, which is multiplied out.
    const alternatives = [...members.values()].map((tokens) => (isNegative(tokens[0]!) ? tokens.map((token) => [token]) : [tokens]));
    clauses.push(...product(alternatives));
  }
  const tokens = clauses.map((clause): Token | TokenGroup => (clause.length === 1 ? clause[0]! : { operation: 'or', tokens: clause }));
  // Alternatives alone read better without a bracket around them.
  const only = tokens.length === 1 ? tokens[0]! : undefined;
  return only && isGroup(only) ? { operation: 'or', tokens: only.tokens } : { operation: 'and', tokens };
}

/** Writes a query as parameters of a search. Throws a QueryProblem where the API cannot be asked. */
export function formatQuery(query: EventQuery): URLSearchParams {
  const params = new URLSearchParams();
  let group = 0;
  for (const clause of clausesOf(query)) {
    const conditions = clause.map(conditionOf);
    const first = conditions[0]!;
    if (conditions.length === 1) {
      const scope = scopes[first.key];
      if (first.key === 'errorOnly') {
        if (first.not || first.value !== 'true') throw new QueryProblem('“Failed calls” can be true only.');
        params.set('errorOnly', 'true');
      } else if (scope) {
        if (!first.not && !isPattern(first.value) && !params.has(first.key)) params.set(first.key, first.value);
        else addSingle({ ...first, key: scope });
      } else addSingle(first);
      continue;
    }
    if (conditions.every(({ key, not }) => key === first.key && !not && !scopes[key]) && !params.has(first.key) && first.key !== 'errorOnly') {
      for (const { key, value } of conditions) params.append(key, value);
      continue;
    }
    const name = `or.g${++group}`;
    const negatives = new Set<string>();
    for (const { key: said, not, value } of conditions) {
      const key = scopes[said] ?? said;
      if (said === 'errorOnly') throw new QueryProblem('“Failed calls” cannot be one of several alternatives. Use the error code.');
      if (not && negatives.has(key)) throw new QueryProblem(`Two values that ${propertyLabel(key)} must not have cannot be alternatives to each other. Join them with “and”.`);
      if (not) negatives.add(key);
      params.append(`${name}.${not ? 'not.' : ''}${key}`, value);
    }
  }
  if (params.size > mostValues) throw new QueryProblem(`A search can have ${mostValues} values at most.`);
  return params;

  function addSingle({ key, not, value }: Condition) {
    if (not) params.append(`not.${key}`, value);
    else if (!params.has(key)) params.append(key, value);
    // A parameter that is there twice means "one of them".
    else params.append(`or.g${++group}.${key}`, value);
  }
}

/** A query with one more condition, that all its events must pass. */
export function narrowed(query: EventQuery, token: Token): EventQuery {
  const tokens = query.operation === 'and' || query.tokens.length < 2 ? query.tokens : [...orAsOne(query)];
  if (tokens.some((other) => !isGroup(other) && sameToken(other, token))) return query;
  return { operation: 'and', tokens: [...tokens, token] };
}

/** The condition that a property has a value, whatever characters that has. */
export function exactly(propertyKey: string, value: string, not = false): Token {
  return { propertyKey, operator: not ? '!=' : '=', value: literal(value) };
}

/** A value in the API's notation that means itself: only a star at the end would mean something else. */
export function literal(value: string): string {
  return value.endsWith('*') ? `${value.slice(0, -1)}\\*` : value;
}

export function isGroup(item: Token | TokenGroup): item is TokenGroup {
  return 'tokens' in item;
}

/** The names in a path: dots separate them, \. is a dot. */
export function pathKey(names: readonly string[]): string {
  return `path.${names.map((name) => name.replace(/[\\.]/g, (c) => `\\${c}`)).join('.')}`;
}

const labels: Record<string, string> = {
  EventName: 'Event name',
  EventSource: 'Event source',
  Username: 'User name',
  'userIdentity.arn': 'Identity ARN',
  AccessKeyId: 'Access key ID',
  sourceIPAddress: 'Source address',
  errorCode: 'Error code',
  ReadOnly: 'Read-only',
  ResourceType: 'Resource type',
  ResourceName: 'Resource name',
  EventId: 'Event ID',
  region: 'Region',
  account: 'Account',
  category: 'Category',
  errorOnly: 'Failed calls',
};

/** How a property is called on the page. Paths are called as in the record. */
export function propertyLabel(key: string): string {
  return Object.hasOwn(labels, key) ? labels[key]! : key.startsWith('path.') ? key.slice(5) : key;
}

/** What else people call the properties: the names in the record. */
const synonyms: Record<string, string> = {
  user: 'Username',
  'useridentity.username': 'Username',
  arn: 'userIdentity.arn',
  'useridentity.accesskeyid': 'AccessKeyId',
  ip: 'sourceIPAddress',
  awsregion: 'region',
  recipientaccountid: 'account',
  eventcategory: 'category',
  error: 'errorCode',
};

/** The property that a name which somebody typed stands for. Any other name with a dot in it, or with path. before it, is a path. */
export function propertyOf(typed: string): string | undefined {
  const name = typed.trim();
  if (name.startsWith('path.')) return name.length > 5 ? name : undefined;
  const lower = name.toLowerCase();
  for (const key of [...attributes, ...Object.keys(scopes)]) {
    if (key.toLowerCase() === lower || labels[key]!.toLowerCase() === lower) return key;
  }
  if (Object.hasOwn(synonyms, lower)) return synonyms[lower];
  return name.includes('.') || topNames.has(name) ? `path.${name}` : undefined;
}

const topNames = new Set(['eventType', 'userAgent', 'requestID', 'errorMessage', 'vpcEndpointId', 'sharedEventID', 'eventVersion', 'managementEvent', 'apiVersion', 'sessionCredentialFromConsole']);

/** Makes a condition of what was typed without choosing a property: "path.x.y = z", or a value, whose form tells which property is meant. */
export function interpret(text: string, operator: Operator = '='): Token | undefined {
  const said = /^\s*([^\s=!^]+)\s*(!=|!\^|=|\^)\s*(.*?)\s*$/s.exec(text);
  const key = said && propertyOf(said[1]!);
  if (key) return said[3] ? { propertyKey: key, operator: said[2] as Operator, value: said[3] } : undefined;
  const value = text.trim();
  if (!value) return undefined;
  const guessed = guess(value);
  // Whoever types the name of an event need not type all of it.
  const begins = guessed === 'EventName' && !isPattern(value) && !value.endsWith('\\');
  return { propertyKey: guessed, operator: begins ? (operator.startsWith('!') ? '!^' : '^') : operator, value };
}

function guess(value: string): string {
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(value)) return 'EventId';
  if (/^A(KI|SI)A[A-Z0-9]{8,}\*?$/.test(value)) return 'AccessKeyId';
  if (/^arn:[^:]*:(iam|sts):/.test(value)) return 'userIdentity.arn';
  if (/^arn:/.test(value)) return 'ResourceName';
  if (/^AWS::/.test(value)) return 'ResourceType';
  if (/^\d{12}$/.test(value)) return 'account';
  if (/^\d{1,3}(\.\d{1,3}){3}$|^[0-9a-f]*:[0-9a-f:]+:[0-9a-f]*$/i.test(value)) return 'sourceIPAddress';
  if (/\.amazon(aws)?\.com$/.test(value)) return 'EventSource';
  return 'EventName';
}

interface Condition {
  key: string;
  not: boolean;
  value: string;
}

function conditionOf({ propertyKey: key, operator, value }: Token): Condition {
  const not = operator.startsWith('!');
  if (value === '') throw new QueryProblem(`${propertyLabel(key)} has no value to look for.`);
  if (operator.endsWith('=')) return { key, not, value };
  if (key === 'ReadOnly' || key === 'errorOnly') throw new QueryProblem(`${propertyLabel(key)} is true or false.`);
  if (value.endsWith('\\')) throw new QueryProblem('A beginning cannot end with a backslash.');
  return { key, not, value: `${value}*` };
}

function parseToken(propertyKey: string, not: boolean, value: string): Token {
  const begins = value.length > 1 && isPattern(value);
  return { propertyKey, operator: `${not ? '!' : ''}${begins ? '^' : '='}`, value: begins ? value.slice(0, -1) : value };
}

/** Whether a value of the API stands for more than itself. */
function isPattern(value: string): boolean {
  return value.endsWith('*') && !value.endsWith('\\*');
}

function negated(name: string): [key: string, not: boolean] {
  return name.startsWith('not.') ? [name.slice(4), true] : [name, false];
}

function isNegative(token: Token): boolean {
  return token.operator.startsWith('!');
}

function sameToken(a: Token, b: Token): boolean {
  return a.propertyKey === b.propertyKey && a.operator === b.operator && a.value === b.value;
}

function unique(tokens: readonly Token[]): Token[] {
  return tokens.filter((token, i) => tokens.findIndex((other) => sameToken(other, token)) === i);
}

/** The query as an AND of ORs, which is what the API takes. */
function clausesOf(query: EventQuery): Token[][] {
  const items = query.tokens.map(itemClauses).filter((clauses) => clauses.length > 0);
  const clauses = query.operation === 'and' ? items.flat() : items.length ? product(items) : [];
  const known = new Set<string>();
  return clauses.filter((clause) => {
    const text = JSON.stringify(clause.map(({ propertyKey, operator, value }) => [propertyKey, operator, value]));
    return !known.has(text) && known.add(text);
  });
}

function itemClauses(item: Token | TokenGroup): Token[][] {
  if (!isGroup(item)) return [[item]];
  if (item.tokens.length === 0) return [];
  return item.operation === 'or' ? [unique(item.tokens)] : item.tokens.map((token) => [token]);
}

/** Multiplies out an OR of ANDs of ORs: (a AND b) OR c is (a OR c) AND (b OR c). */
function product(alternatives: readonly Token[][][]): Token[][] {
  let clauses: Token[][] = [[]];
  for (const one of alternatives) {
    if (clauses.length * one.length > mostClauses) throw new QueryProblem('The search has too many alternatives.');
    clauses = clauses.flatMap((clause) => one.map((more) => unique([...clause, ...more])));
  }
  return clauses;
}

/** The alternatives of an OR as items of an AND. */
function orAsOne(query: EventQuery): (Token | TokenGroup)[] {
  return clausesOf(query).map((clause) => (clause.length === 1 ? clause[0]! : { operation: 'or', tokens: clause }));
}
