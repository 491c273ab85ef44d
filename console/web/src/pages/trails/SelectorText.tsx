import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { InsightSelector } from '@/api/cloudtrail';
import { insightTypes } from './EventsStep';
import { accessText, operatorText, type SelectorForm } from './selectorForm';
import { basicTypes } from './selectorRules';

const shownValues = 20;

/** The selectors of a trail, to be read. */
export function SelectorText({ form, insights }: { form: SelectorForm; insights: readonly InsightSelector[] }) {
  const { management } = form;
  const without = [management.excludeKMS && 'KMS', management.excludeRDS && 'the RDS Data API'].filter(Boolean).join(' and ');
  return (
    <SpaceBetween size="m">
      <div>
        <Box variant="awsui-key-label">Management events{management.name && ` (${management.name})`}</Box>
        <div>{management.on ? `${accessText(management)}${without ? `, without those of ${without}` : ''}` : 'None'}</div>
      </div>
      <div>
        <Box variant="awsui-key-label">{form.kind === 'basic' ? 'Data events' : 'Advanced selectors'}</Box>
        {form.basic.length + form.advanced.length === 0 && <div>None</div>}
        <SpaceBetween size="s">
          {form.basic.map((data, i) => (
            <div key={i} className="breakable">
              {basicTypes[data.type]?.label ?? data.type}: {accessText(data).toLowerCase()}, {data.all ? 'all' : data.values.length ? <ValueList values={data.values} /> : 'none'}
            </div>
          ))}
          {form.advanced.map((one, i) => (
            <div key={i} className="breakable">
              <Box variant="strong">{one.name || `Selector ${i + 1}`}</Box> ({one.category})
              <ul className="trails-list">
                {one.conditions.map((condition, j) => (
                  <li key={j}>
                    {condition.field} {operatorText[condition.operator]} <ValueList values={condition.values} />
                  </li>
                ))}
              </ul>
            </div>
          ))}
        </SpaceBetween>
      </div>
      <div>
        <Box variant="awsui-key-label">Insights events</Box>
        <div>{insights.length ? insights.map(({ InsightType }) => insightTypes.find(({ value }) => value === InsightType)?.label ?? InsightType).join(', ') : 'Off'}</div>
      </div>
    </SpaceBetween>
  );
}

function ValueList({ values }: { values: readonly string[] }) {
  return (
    <>
      {values.slice(0, shownValues).map((value, i) => (
        <span key={i}>
          {i > 0 && ' or '}
          <code className="mono">{value}</code>
        </span>
      ))}
      {values.length > shownValues && ` or ${values.length - shownValues} others`}
    </>
  );
}
