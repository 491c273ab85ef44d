import { type AdvancedEventSelector, type EventSelector, type FieldSelector, type InsightSelector, type Operator, operators, type Selectors } from '@/api/cloudtrail';
import { basicTypes, type Category, fieldRules, limits, standsForAll } from './selectorRules';

// The selectors of a trail as the wizard shows them, and how they become those of CloudTrail's API and come from them. A form always takes
// the same events as what it was made from: what basic choices cannot show is shown as advanced selectors.

export interface ManagementForm {
  on: boolean;
  read: boolean;
  write: boolean;
  excludeKMS: boolean;
  excludeRDS: boolean;
  /** The name of the advanced selector. */
  name: string;
}

/** Data events by basic choices: all resources of a type, or some. */
export interface BasicData {
  type: string;
  read: boolean;
  write: boolean;
  all: boolean;
  values: string[];
}

export interface Condition {
  field: string;
  operator: Operator;
  values: string[];
}

export interface AdvancedForm {
  name: string;
  category: Category;
  conditions: Condition[];
}

export interface SelectorForm {
  kind: 'basic' | 'advanced';
  management: ManagementForm;
  basic: BasicData[];
  advanced: AdvancedForm[];
}

const sources = { excludeKMS: 'kms.amazonaws.com', excludeRDS: 'rdsdata.amazonaws.com' } as const;

/** What a new trail takes: all management events. */
export function defaultForm(): SelectorForm {
  return { kind: 'basic', management: { on: true, read: true, write: true, excludeKMS: false, excludeRDS: false, name: '' }, basic: [], advanced: [] };
}

/** Whether a form says what a trail without selectors takes. */
export function isDefault(form: SelectorForm): boolean {
  return sameSelectors(toAPI(form), toAPI(defaultForm()));
}

export function toAPI(form: SelectorForm): Selectors {
  return form.kind === 'basic' ? { EventSelectors: toBasic(form) } : { AdvancedEventSelectors: toAdvanced(form) };
}

function toBasic({ management, basic }: SelectorForm): EventSelector[] {
  const selectors: EventSelector[] = [];
  if (management.on) {
    selectors.push({ ReadWriteType: accessOf(management), IncludeManagementEvents: true, DataResources: [], ExcludeManagementEventSources: excluded(management) });
  }
  for (const data of basic) {
    const access = accessOf(data);
    // One selector for each kind of access: there may be five of them, and their access is for management events, too.
    let selector = selectors.find((other) => other.ReadWriteType === access);
    if (!selector) selectors.push((selector = { ReadWriteType: access, IncludeManagementEvents: false, DataResources: [], ExcludeManagementEventSources: [] }));
    const values = data.all ? [basicTypes[data.type]?.all ?? data.type] : data.values;
    const same = selector.DataResources!.find((resource) => resource.Type === data.type);
    if (same) same.Values = [...new Set([...same.Values!, ...values])];
    else selector.DataResources!.push({ Type: data.type, Values: [...values] });
  }
  return selectors;
}

function toAdvanced({ management, advanced }: SelectorForm): AdvancedEventSelector[] {
  const own: AdvancedForm[] = management.on ? [{ name: management.name, category: 'Management', conditions: managementConditions(management) }] : [];
  return [...own, ...advanced].map(({ name, category, conditions }) => {
    const fields = new Map<string, FieldSelector>([['eventCategory', { Field: 'eventCategory', Equals: [category] }]]);
    // A field may come once in a selector: conditions on the same one are put together.
    for (const { field, operator, values } of conditions) {
      const selector = fields.get(field) ?? { Field: field };
      selector[operator] = [...new Set([...(selector[operator] ?? []), ...values])];
      fields.set(field, selector);
    }
    return { ...(name && { Name: name }), FieldSelectors: [...fields.values()] };
  });
}

function managementConditions(management: ManagementForm): Condition[] {
  const conditions: Condition[] = [];
  const access = accessOf(management);
  if (access !== 'All') conditions.push({ field: 'readOnly', operator: 'Equals', values: [access === 'ReadOnly' ? 'true' : 'false'] });
  const values = excluded(management);
  if (values.length) conditions.push({ field: 'eventSource', operator: 'NotEquals', values });
  return conditions;
}

function excluded(management: ManagementForm): string[] {
  return (Object.keys(sources) as (keyof typeof sources)[]).filter((name) => management[name]).map((name) => sources[name]);
}

function accessOf({ read, write }: { read: boolean; write: boolean }): 'All' | 'ReadOnly' | 'WriteOnly' {
  return read === write ? 'All' : read ? 'ReadOnly' : 'WriteOnly';
}

function accessFrom(type: string | undefined): { read: boolean; write: boolean } {
  return { read: type !== 'WriteOnly', write: type !== 'ReadOnly' };
}

/** Makes a form of what GetEventSelectors tells. */
export function fromAPI({ EventSelectors, AdvancedEventSelectors }: Selectors): SelectorForm {
  if (AdvancedEventSelectors?.length) return fromAdvanced(AdvancedEventSelectors);
  const selectors = EventSelectors?.length ? EventSelectors : toBasic(defaultForm());
  const form = fromBasic(selectors);
  // Two selectors for management events, resources without values and the like take the same events as advanced ones.
  return sameSelectors({ EventSelectors: selectors }, toAPI(form)) ? form : fromAdvanced(advancedOf(selectors));
}

function fromBasic(selectors: EventSelector[]): SelectorForm {
  const form: SelectorForm = { ...defaultForm(), management: { ...defaultForm().management, on: false } };
  for (const selector of selectors) {
    const access = accessFrom(selector.ReadWriteType);
    if (selector.IncludeManagementEvents !== false) {
      const exclude = selector.ExcludeManagementEventSources ?? [];
      form.management = { on: true, ...access, excludeKMS: exclude.includes(sources.excludeKMS), excludeRDS: exclude.includes(sources.excludeRDS), name: '' };
    }
    for (const { Type, Values = [] } of selector.DataResources ?? []) {
      const all = Values.length === 1 && standsForAll(Type, Values[0]!);
      form.basic.push({ type: Type, ...access, all, values: all ? [] : [...Values] });
    }
  }
  return form;
}

function fromAdvanced(selectors: AdvancedEventSelector[]): SelectorForm {
  const form: SelectorForm = { ...defaultForm(), kind: 'advanced', management: { ...defaultForm().management, on: false } };
  for (const selector of selectors) {
    const one = advancedFrom(selector);
    const management = form.management.on ? undefined : managementFrom(one);
    if (management) form.management = management;
    else form.advanced.push(one);
  }
  return form;
}

function advancedFrom({ Name = '', FieldSelectors }: AdvancedEventSelector): AdvancedForm {
  const category = FieldSelectors.find(({ Field }) => Field === 'eventCategory')?.Equals?.[0] as Category | undefined;
  const conditions = FieldSelectors.filter(({ Field }) => Field !== 'eventCategory').flatMap((field) =>
    operators.flatMap((operator) => (field[operator]?.length ? [{ field: field.Field, operator, values: [...field[operator]] }] : [])),
  );
  return { name: Name, category: category ?? 'Data', conditions };
}

/** The management section for a selector, if the section can say what it says. */
function managementFrom({ name, category, conditions }: AdvancedForm): ManagementForm | undefined {
  if (category !== 'Management') return undefined;
  const management = { ...defaultForm().management, name };
  for (const { field, operator, values } of conditions) {
    if (field === 'readOnly' && operator === 'Equals' && values.length === 1) Object.assign(management, accessFrom(values[0] === 'true' ? 'ReadOnly' : 'WriteOnly'));
    else if (field === 'eventSource' && operator === 'NotEquals' && values.every((value) => (Object.values(sources) as string[]).includes(value))) {
      management.excludeKMS ||= values.includes(sources.excludeKMS);
      management.excludeRDS ||= values.includes(sources.excludeRDS);
    } else return undefined;
  }
  return management;
}

/** Advanced selectors that take what basic ones take. A bucket's objects are matched by the start of their ARN, all else by the whole. */
function advancedOf(selectors: EventSelector[]): AdvancedEventSelector[] {
  return selectors.flatMap((selector) => {
    const access = accessFrom(selector.ReadWriteType);
    const form: SelectorForm = { ...defaultForm(), kind: 'advanced', management: { ...defaultForm().management, on: false } };
    if (selector.IncludeManagementEvents !== false) {
      const exclude = selector.ExcludeManagementEventSources ?? [];
      form.management = { on: true, ...access, excludeKMS: exclude.includes(sources.excludeKMS), excludeRDS: exclude.includes(sources.excludeRDS), name: '' };
    }
    for (const { Type, Values = [] } of selector.DataResources ?? []) {
      if (!Values.length) continue; // it takes no event
      form.advanced.push(dataSelector(Type, accessOf(access), Values.some((value) => standsForAll(Type, value)) ? [] : Values));
    }
    return toAdvanced(form);
  });
}

function dataSelector(type: string, access: string, arns: readonly string[]): AdvancedForm {
  const conditions: Condition[] = [{ field: 'resources.type', operator: 'Equals', values: [type] }];
  if (access !== 'All') conditions.push({ field: 'readOnly', operator: 'Equals', values: [access === 'ReadOnly' ? 'true' : 'false'] });
  if (arns.length) conditions.push({ field: 'resources.ARN', operator: type === 'AWS::S3::Object' ? 'StartsWith' : 'Equals', values: [...arns] });
  return { name: '', category: 'Data', conditions };
}

/** The same form with advanced selectors: each basic choice becomes one that takes the same events. */
export function asAdvanced(form: SelectorForm): SelectorForm {
  if (form.kind === 'advanced') return form;
  return { ...form, kind: 'advanced', basic: [], advanced: form.basic.map((data) => dataSelector(data.type, accessOf(data), data.all ? [] : data.values)) };
}

/** The same form with basic choices, or nothing where they cannot say it. */
export function asBasic(form: SelectorForm): SelectorForm | undefined {
  if (form.kind === 'basic') return form;
  const basic: BasicData[] = [];
  for (const { category, conditions } of form.advanced) {
    const data: BasicData = { type: '', read: true, write: true, all: true, values: [] };
    if (category !== 'Data') return undefined;
    for (const { field, operator, values } of conditions) {
      if (field === 'resources.type' && values.length === 1 && basicTypes[values[0]!]) data.type = values[0]!;
      else if (field === 'readOnly') Object.assign(data, accessFrom(values[0] === 'true' ? 'ReadOnly' : 'WriteOnly'));
      else if (field === 'resources.ARN' && data.all && operator === (data.type === 'AWS::S3::Object' ? 'StartsWith' : 'Equals') && values.every((value) => basicTypes[data.type]?.value.test(value))) {
        Object.assign(data, { all: false, values });
      } else return undefined;
    }
    if (!data.type) return undefined;
    basic.push(data);
  }
  return { ...form, kind: 'basic', basic, advanced: [] };
}

/** Something that the server would refuse: where it is, and why. */
export interface Fault {
  /** The index of the basic or advanced selector, -1 for all of them together. */
  selector: number;
  /** The index of the condition in the selector. */
  condition?: number;
  text: string;
}

export function faultsOf(form: SelectorForm): Fault[] {
  const faults: Fault[] = [];
  const { management } = form;
  if (management.on && !management.read && !management.write) faults.push({ selector: -1, text: 'Choose whether management events that read, that write, or both are taken.' });
  const rows = form.kind === 'basic' ? form.basic : form.advanced;
  if (!management.on && rows.length === 0) faults.push({ selector: -1, text: 'Choose at least one type of event.' });
  if (form.kind === 'basic') {
    form.basic.forEach((data, selector) => faults.push(...basicFaults(data).map((text) => ({ selector, text }))));
    const count = form.basic.reduce((total, data) => total + (data.all ? 0 : data.values.length), 0);
    if (count > limits.basicValues) faults.push({ selector: -1, text: `A trail can name up to ${limits.basicValues} resources.` });
    return faults;
  }
  form.advanced.forEach((one, selector) => faults.push(...advancedFaults(one).map((fault) => ({ ...fault, selector }))));
  const count = toAdvanced(form).reduce((total, { FieldSelectors }) => total + FieldSelectors.reduce((n, field) => n + operators.reduce((m, operator) => m + (field[operator]?.length ?? 0), 0), 0), 0);
  if (count > limits.advancedValues) faults.push({ selector: -1, text: `A trail can have up to ${limits.advancedValues} values over all conditions; these are ${count}.` });
  return faults;
}

function basicFaults(data: BasicData): string[] {
  const rule = basicTypes[data.type];
  if (!rule) return ['Choose a type of resource.'];
  const faults: string[] = [];
  if (!data.read && !data.write) faults.push('Choose whether events that read, that write, or both are taken.');
  if (data.all) return faults;
  if (data.values.length === 0) faults.push(`Name at least one of the ${rule.label}.`);
  const bad = data.values.find((value) => value.length > limits.value || !(rule.value.test(value) || standsForAll(data.type, value)));
  if (bad !== undefined) faults.push(`“${bad.slice(0, 100)}” does not have the form ${rule.example}.`);
  return faults;
}

function advancedFaults({ name, category, conditions }: AdvancedForm): Omit<Fault, 'selector'>[] {
  const faults: Omit<Fault, 'selector'>[] = [];
  const rules = fieldRules[category];
  if ([...name].length > limits.name) faults.push({ text: `A name has up to ${limits.name} characters.` });
  if (category === 'Data' && conditions.length === 0) faults.push({ text: 'Choose a type of resource.' });
  conditions.forEach(({ field, operator, values }, condition) => {
    const rule = Object.hasOwn(rules, field) ? rules[field] : undefined;
    const refuse = (text: string) => faults.push({ condition, text });
    if (!field) return refuse('Choose a field.');
    if (!rule) return refuse(`${field} is not a field for events of this category.`);
    if (!rule.operators.includes(operator)) refuse(`${field} cannot be compared by ${operator}.`);
    if (values.length === 0) refuse('Add at least one value.');
    for (const value of values) {
      if (!value || [...value].length > limits.value || /[\r\n]/.test(value)) return refuse(`A value has 1 to ${limits.value} characters, in one line.`);
      if (rule.values && !rule.values.includes(value)) return refuse(`${field} can be ${rule.values.join(' or ')} only.`);
    }
    if (rule.single) {
      const all = conditions.filter((other) => other.field === field).reduce((n, other) => n + other.values.length, 0);
      if (all > 1) refuse(`${field} takes exactly one value.`);
    }
  });
  for (const [field, rule] of Object.entries(rules)) {
    if (rule.required && !conditions.some((condition) => condition.field === field)) faults.push({ text: `${field} is required.` });
  }
  return faults;
}

/** The insight selectors that a form's management events do not suffice for, as the server sees it: the wrong choice's name, and why. */
export function insightFaults(form: SelectorForm, insights: readonly InsightSelector[]): string[] {
  const takes = (access: 'read' | 'write') =>
    (form.management.on && form.management[access]) ||
    (form.kind === 'advanced' &&
      form.advanced.some(({ category, conditions }) => category === 'Management' && !conditions.some(({ field, values }) => field === 'readOnly' && values[0] !== String(access === 'read'))));
  return insights.flatMap(({ InsightType, EventCategories }) => {
    if (EventCategories?.length && !EventCategories.includes('Management')) return [];
    if (takes('write') || (InsightType === 'ApiErrorRateInsight' && takes('read'))) return [];
    return [InsightType === 'ApiCallRateInsight' ? 'The API call rate is computed from management events that write.' : 'The API error rate is computed from management events.'];
  });
}

/** Whether two lists of selectors are written the same way, but for order and what may be left out. */
export function sameSelectors(a: Selectors, b: Selectors): boolean {
  return canonical(a) === canonical(b);
}

function canonical({ EventSelectors, AdvancedEventSelectors }: Selectors): string {
  if (AdvancedEventSelectors?.length) {
    return JSON.stringify(
      AdvancedEventSelectors.map(({ Name = '', FieldSelectors }) => [
        Name,
        FieldSelectors.map((field) => [field.Field, ...operators.map((operator) => [...(field[operator] ?? [])].sort())]).sort((x, y) => (String(x[0]) < String(y[0]) ? -1 : 1)),
      ]),
    );
  }
  const basic = (EventSelectors ?? []).map((selector) => [
    selector.ReadWriteType || 'All',
    selector.IncludeManagementEvents !== false,
    [...(selector.ExcludeManagementEventSources ?? [])].sort(),
    (selector.DataResources ?? []).map(({ Type, Values }) => [Type, [...(Values ?? [])].map((value) => (standsForAll(Type, value) ? basicTypes[Type]!.all : value)).sort()]).sort(),
  ]);
  return JSON.stringify(basic.sort());
}

/** What a condition says, to be read: "eventName is GetObject or PutObject". */
export const operatorText: Record<Operator, string> = {
  Equals: 'is',
  NotEquals: 'is not',
  StartsWith: 'begins with',
  NotStartsWith: 'does not begin with',
  EndsWith: 'ends with',
  NotEndsWith: 'does not end with',
};

export function accessText(access: { read: boolean; write: boolean }): string {
  return { All: 'Read and write', ReadOnly: 'Read', WriteOnly: 'Write' }[accessOf(access)];
}
