import Alert from '@cloudscape-design/components/alert';
import Autosuggest from '@cloudscape-design/components/autosuggest';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import RadioGroup from '@cloudscape-design/components/radio-group';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import TokenGroup from '@cloudscape-design/components/token-group';
import { useState } from 'react';
import type { Operator } from '@/api/cloudtrail';
import { type AdvancedForm, asAdvanced, asBasic, type BasicData, type Condition, type Fault, operatorText, type SelectorForm } from './selectorForm';
import { basicTypes, type Category, fieldRules, resourceTypes } from './selectorRules';

interface Props {
  form: SelectorForm;
  change: (form: SelectorForm) => void;
  /** What to complain about, empty until somebody has tried to go on. */
  faults: readonly Fault[];
}

/** Management events: which, and without which. */
export function ManagementSection({ form, change, faults }: Props) {
  const { management } = form;
  const set = (changes: Partial<SelectorForm['management']>) => change({ ...form, management: { ...management, ...changes } });
  const whole = faults.filter((fault) => fault.selector < 0);
  return (
    <Container header={<Header variant="h2" description="Calls that manage resources: CreateUser, StopLogging, PutBucketPolicy.">Management events</Header>}>
      <SpaceBetween size="m">
        {whole.map(({ text }) => (
          <div key={text} className="trails-fault" tabIndex={-1}>
            <Alert type="error">{text}</Alert>
          </div>
        ))}
        <Checkbox checked={management.on} onChange={({ detail }) => set({ on: detail.checked })}>
          Take management events
        </Checkbox>
        {management.on && (
          <SpaceBetween size="xs">
            <Checkbox checked={management.read} onChange={({ detail }) => set({ read: detail.checked })}>
              Read
            </Checkbox>
            <Checkbox checked={management.write} onChange={({ detail }) => set({ write: detail.checked })}>
              Write
            </Checkbox>
            <Checkbox checked={management.excludeKMS} onChange={({ detail }) => set({ excludeKMS: detail.checked })}>
              Leave out events of KMS
            </Checkbox>
            <Checkbox checked={management.excludeRDS} onChange={({ detail }) => set({ excludeRDS: detail.checked })}>
              Leave out events of the RDS Data API
            </Checkbox>
          </SpaceBetween>
        )}
      </SpaceBetween>
    </Container>
  );
}

/** Data events, by basic choices or by conditions on fields. */
export function DataSection({ form, change, faults }: Props) {
  const basic = asBasic(form);
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Calls on what resources hold, such as GetObject and PutObject. There can be very many."
          actions={
            form.kind === 'basic' ? (
              <Button onClick={() => change(asAdvanced(form))}>Use advanced selectors</Button>
            ) : (
              <Button disabled={!basic} disabledReason="Basic choices cannot say what these conditions say." onClick={() => basic && change(basic)}>
                Use basic choices
              </Button>
            )
          }
        >
          Data events
        </Header>
      }
    >
      {form.kind === 'basic' ? <BasicRows form={form} change={change} faults={faults} /> : <AdvancedRows form={form} change={change} faults={faults} />}
    </Container>
  );
}

function BasicRows({ form, change, faults }: Props) {
  const set = (at: number, changes: Partial<BasicData>) => change({ ...form, basic: form.basic.map((data, i) => (i === at ? { ...data, ...changes } : data)) });
  return (
    <SpaceBetween size="m">
      {form.basic.length === 0 && <Box color="text-body-secondary">No data events are taken.</Box>}
      {form.basic.map((data, i) => {
        const type = basicTypes[data.type];
        const own = faults.filter((fault) => fault.selector === i);
        return (
          <div key={i} className="trails-selector" role="group" aria-label={`Data events ${i + 1}`}>
            <SpaceBetween size="s">
              <div className="trails-row">
                <Select
                  ariaLabel={`Type of resource ${i + 1}`}
                  selectedOption={{ value: data.type, label: type?.label ?? data.type }}
                  options={Object.entries(basicTypes).map(([value, { label }]) => ({ value, label }))}
                  onChange={({ detail }) => set(i, { type: detail.selectedOption.value!, all: true, values: [] })}
                />
                <Checkbox checked={data.read} onChange={({ detail }) => set(i, { read: detail.checked })}>
                  Read
                </Checkbox>
                <Checkbox checked={data.write} onChange={({ detail }) => set(i, { write: detail.checked })}>
                  Write
                </Checkbox>
                <Button iconName="remove" variant="icon" ariaLabel={`Remove data events ${i + 1}`} onClick={() => change({ ...form, basic: form.basic.filter((_, j) => j !== i) })} />
              </div>
              <RadioGroup
                ariaLabel={`Which resources ${i + 1}`}
                value={data.all ? 'all' : 'some'}
                onChange={({ detail }) => set(i, { all: detail.value === 'all' })}
                items={[
                  { value: 'all', label: `All ${type?.label ?? 'resources'}, of now and of later` },
                  { value: 'some', label: 'Some of them' },
                ]}
              />
              {!data.all && <Values label={`ARNs ${i + 1}`} values={data.values} onChange={(values) => set(i, { values })} placeholder={type?.example ?? 'arn:aws:…'} />}
              {own.map(({ text }) => (
                <Fault key={text} text={text} />
              ))}
            </SpaceBetween>
          </div>
        );
      })}
      <Button iconName="add-plus" onClick={() => change({ ...form, basic: [...form.basic, { type: 'AWS::S3::Object', read: true, write: true, all: true, values: [] }] })}>
        Add data events
      </Button>
    </SpaceBetween>
  );
}

const categories: { value: Category; label: string }[] = [
  { value: 'Data', label: 'Data events' },
  { value: 'NetworkActivity', label: 'Network activity events' },
  { value: 'Management', label: 'Management events' },
];

function AdvancedRows({ form, change, faults }: Props) {
  const set = (at: number, one: AdvancedForm) => change({ ...form, advanced: form.advanced.map((other, i) => (i === at ? one : other)) });
  return (
    <SpaceBetween size="m">
      <Box color="text-body-secondary">An event is taken if it meets all conditions of one selector. Case counts; there are no wildcards.</Box>
      {form.advanced.map((one, i) => (
        <Advanced
          key={i}
          at={i}
          one={one}
          faults={faults.filter((fault) => fault.selector === i)}
          change={(next) => set(i, next)}
          remove={() => change({ ...form, advanced: form.advanced.filter((_, j) => j !== i) })}
        />
      ))}
      <Button
        iconName="add-plus"
        onClick={() =>
          change({ ...form, advanced: [...form.advanced, { name: '', category: 'Data', conditions: [{ field: 'resources.type', operator: 'Equals', values: ['AWS::S3::Object'] }] }] })
        }
      >
        Add a selector
      </Button>
    </SpaceBetween>
  );
}

function Advanced({ at, one, faults, change, remove }: { at: number; one: AdvancedForm; faults: readonly Fault[]; change: (one: AdvancedForm) => void; remove: () => void }) {
  const rules = fieldRules[one.category];
  const set = (i: number, changes: Partial<Condition>) => change({ ...one, conditions: one.conditions.map((other, j) => (j === i ? { ...other, ...changes } : other)) });
  const first = Object.keys(rules).find((field) => !one.conditions.some((condition) => condition.field === field)) ?? Object.keys(rules)[0]!;
  const whole = faults.filter((fault) => fault.condition === undefined);
  return (
    <div className="trails-selector" role="group" aria-label={`Selector ${at + 1}`}>
      <SpaceBetween size="s">
        <div className="trails-row">
          <Select
            ariaLabel={`Category of selector ${at + 1}`}
            selectedOption={categories.find(({ value }) => value === one.category) ?? null}
            options={categories}
            onChange={({ detail }) => {
              const category = detail.selectedOption.value as Category;
              const required = Object.entries(fieldRules[category]).filter(([, rule]) => rule.required);
              change({ ...one, category, conditions: required.map(([field]) => ({ field, operator: 'Equals', values: [] })) });
            }}
          />
          <div className="trails-grow">
            <Input value={one.name} ariaLabel={`Name of selector ${at + 1}`} placeholder="Name (optional)" onChange={({ detail }) => change({ ...one, name: detail.value })} />
          </div>
          <Button iconName="remove" variant="icon" ariaLabel={`Remove selector ${at + 1}`} onClick={remove} />
        </div>
        {one.conditions.map((condition, i) => {
          const rule = rules[condition.field];
          const name = `condition ${i + 1} of selector ${at + 1}`;
          return (
            <div key={i} className="trails-condition">
              <div className="trails-row">
                <Select
                  ariaLabel={`Field of ${name}`}
                  selectedOption={{ value: condition.field, label: condition.field }}
                  options={Object.keys(rules).map((value) => ({ value, label: value }))}
                  onChange={({ detail }) => {
                    const field = detail.selectedOption.value!;
                    const allowed = rules[field]!.operators;
                    set(i, { field, operator: allowed.includes(condition.operator) ? condition.operator : allowed[0]!, values: [] });
                  }}
                />
                <Select
                  ariaLabel={`Operator of ${name}`}
                  selectedOption={{ value: condition.operator, label: operatorText[condition.operator] }}
                  options={(rule?.operators ?? [condition.operator]).map((value) => ({ value, label: operatorText[value] }))}
                  onChange={({ detail }) => set(i, { operator: detail.selectedOption.value as Operator })}
                />
                <Button iconName="remove" variant="icon" ariaLabel={`Remove ${name}`} onClick={() => change({ ...one, conditions: one.conditions.filter((_, j) => j !== i) })} />
              </div>
              <Values
                label={`Values of ${name}`}
                values={condition.values}
                single={rule?.single}
                suggestions={rule?.values ?? (condition.field === 'resources.type' ? resourceTypes : undefined)}
                onChange={(values) => set(i, { values })}
              />
              {faults
                .filter((fault) => fault.condition === i)
                .map(({ text }) => (
                  <Fault key={text} text={text} />
                ))}
            </div>
          );
        })}
        {whole.map(({ text }) => (
          <Fault key={text} text={text} />
        ))}
        <Button iconName="add-plus" onClick={() => change({ ...one, conditions: [...one.conditions, { field: first, operator: rules[first]!.operators[0]!, values: [] }] })}>
          Add a condition
        </Button>
      </SpaceBetween>
    </div>
  );
}

/** Values: typed and added one by one, or several at once with line breaks or tabs between them, as they are pasted. */
function Values({ label, values, onChange, placeholder, suggestions, single }: {
  label: string;
  values: readonly string[];
  onChange: (values: string[]) => void;
  placeholder?: string;
  suggestions?: readonly string[];
  single?: boolean;
}) {
  const [text, setText] = useState('');
  const add = (more: string) => {
    const added = more.split(/[\r\n\t]+/).map((value) => value.trim()).filter(Boolean);
    if (!added.length) return;
    onChange(single ? [added[added.length - 1]!] : [...new Set([...values, ...added])]);
    setText('');
  };
  return (
    <SpaceBetween size="xxs">
      <div className="trails-row">
        <div className="trails-grow">
          <Autosuggest
            value={text}
            ariaLabel={label}
            placeholder={placeholder ?? 'Value'}
            enteredTextLabel={(value) => `Add ${value}`}
            options={suggestions?.filter((value) => !values.includes(value)).map((value) => ({ value }))}
            onChange={({ detail }) => setText(detail.value)}
            onSelect={({ detail }) => add(detail.value)}
            onBlur={() => add(text)}
            empty={suggestions ? undefined : 'Type a value, and press Enter'}
          />
        </div>
        <Button onClick={() => add(text)} disabled={!text.trim()} ariaLabel={`Add to ${label}`}>
          Add
        </Button>
      </div>
      <TokenGroup
        items={values.map((value) => ({ label: value, dismissLabel: `Remove ${value}` }))}
        onDismiss={({ detail }) => onChange(values.filter((_, i) => i !== detail.itemIndex))}
        limit={20}
        alignment="horizontal"
      />
    </SpaceBetween>
  );
}

function Fault({ text }: { text: string }) {
  return (
    <div className="trails-fault" tabIndex={-1}>
      <FormField errorText={text} stretch />
    </div>
  );
}
