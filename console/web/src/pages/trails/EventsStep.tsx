import Alert from '@cloudscape-design/components/alert';
import Checkbox from '@cloudscape-design/components/checkbox';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { DryRun } from './DryRun';
import { DataSection, ManagementSection } from './SelectorBuilder';
import { faultsOf, insightFaults } from './selectorForm';
import type { TrailForm } from './trailForm';
import type { Place } from './trailPlan';

export const insightTypes = [
  { value: 'ApiCallRateInsight', label: 'API call rate', description: 'Unusual numbers of management calls that write.' },
  { value: 'ApiErrorRateInsight', label: 'API error rate', description: 'Unusual numbers of management calls that fail.' },
];

/** The second step of the wizard: which events the trail takes. */
export function EventsStep({ form, change, place, tried }: { form: TrailForm; change: (changes: Partial<TrailForm>) => void; place: Place; tried: boolean }) {
  const faults = faultsOf(form.selectors);
  const shown = tried ? faults : [];
  return (
    <SpaceBetween size="l">
      <ManagementSection form={form.selectors} change={(selectors) => change({ selectors })} faults={shown} />
      <DataSection form={form.selectors} change={(selectors) => change({ selectors })} faults={shown} />
      <Container header={<Header variant="h2" description="Unusual activity, found by comparing with the days before. This version keeps the choice, and computes no Insights yet.">Insights events</Header>}>
        <SpaceBetween size="s">
          {tried &&
            insightFaults(form.selectors, form.insights).map((text) => (
              <div key={text} className="trails-fault" tabIndex={-1}>
                <Alert type="error">{text}</Alert>
              </div>
            ))}
          {insightTypes.map(({ value, label, description }) => (
            <Checkbox
              key={value}
              checked={form.insights.some(({ InsightType }) => InsightType === value)}
              description={description}
              onChange={({ detail }) =>
                change({ insights: detail.checked ? [...form.insights, { InsightType: value }] : form.insights.filter(({ InsightType }) => InsightType !== value) })
              }
            >
              {label}
            </Checkbox>
          ))}
        </SpaceBetween>
      </Container>
      <DryRun
        selectors={form.selectors}
        region={form.multiRegion ? undefined : place.region}
        globals={form.multiRegion || form.globals}
        disabled={faults.length > 0}
      />
    </SpaceBetween>
  );
}
