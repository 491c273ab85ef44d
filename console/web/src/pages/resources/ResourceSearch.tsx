import Autosuggest from '@cloudscape-design/components/autosuggest';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, useState } from 'react';
import { useLocation } from 'wouter';
import { getValues } from '@/api/events';
import { Page } from '@/app/Page';
import { paths } from '@/app/paths';
import { useSession } from '@/app/session';
import { isDenied } from '@/components/LoadError';
import { ErrorAlert } from '@/components/ErrorAlert';
import { formatCount } from '@/components/format';
import { useUrlState } from '@/components/urlState';
import { useLoad } from '@/components/useLoad';
import { visible } from '@/components/visible';
import type { Ask } from './ask';
import { accountIn } from './facts';
import { loadRecent } from './recent';
import { RecentResources } from './RecentResources';

/** The way to a resource: its type and name, or one of those that were changed last. */
export function ResourceSearch({ ask }: { ask: Ask }) {
  const { identity, regions } = useSession();
  const [, navigate] = useLocation();
  const [, setParams] = useUrlState();
  const [type, setType] = useState(ask.type);
  const [name, setName] = useState('');
  const [region, setRegion] = useState(ask.region);
  const [account, setAccount] = useState(ask.account);
  const [tried, setTried] = useState(false);
  // "Back" changes the address, and with it what is chosen.
  useEffect(() => setType(ask.type), [ask.type]);

  const types = useLoad((signal) => getValues({ attribute: 'ResourceType', limit: 1000, account: ask.account || undefined }, { signal }), [ask.account]);
  const recent = useLoad((signal) => loadRecent({ type: ask.type, account: ask.account }, { signal }), [ask.type, ask.account]);

  const badAccount = account.trim() !== '' && !/^\d{12}$/.test(account.trim());
  const open = (text = name) => {
    const given = text.trim();
    setTried(true);
    if (!given || badAccount) return;
    navigate(paths.resource(type.trim(), given, { region, account: account.trim() }));
    scrollTo(0, 0);
  };
  const known = (recent.data?.resources ?? []).slice(0, 100);

  return (
    <Page title="Resource timeline" description="Who changed a resource, what and when: its history, told out of events.">
      <SpaceBetween size="l">
        <Container header={<Header variant="h2">Find a resource</Header>}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              open();
            }}
          >
            <Form actions={<Button variant="primary">Show the timeline</Button>}>
              <div className="resources-form">
                <FormField label="Resource type" description="Optional: without it, the type that most events give the name.">
                  <Autosuggest
                    value={type}
                    onChange={({ detail }) => setType(detail.value)}
                    onSelect={({ detail }) => setParams({ type: detail.value })}
                    onBlur={() => setParams({ type: type.trim() }, { replace: true })}
                    options={(types.data?.values ?? []).map(({ value, count }) => ({ value, label: visible(value), description: formatCount(count, 'event') }))}
                    statusType={types.loading ? 'loading' : types.error ? 'error' : 'finished'}
                    loadingText="Loading the types of resources"
                    errorText="The types of resources could not be loaded"
                    recoveryText="Try again"
                    onLoadItems={() => types.error !== undefined && types.reload()}
                    placeholder="AWS::IAM::User"
                    enteredTextLabel={(value) => `Use “${visible(value)}”`}
                    empty="The index has no types of resources."
                    ariaLabel="Resource type"
                    clearAriaLabel="Clear the resource type"
                  />
                </FormField>
                <FormField label="Name, ID or ARN" errorText={tried && !name.trim() ? 'Give the name, the ID or the ARN of a resource.' : undefined}>
                  <Autosuggest
                    value={name}
                    onChange={({ detail }) => setName(detail.value)}
                    onSelect={({ detail }) => {
                      const chosen = known.find((resource) => resource.key === detail.selectedOption?.value);
                      if (!chosen) return open(detail.value);
                      navigate(paths.resource(chosen.type, chosen.name, { account: chosen.account === identity.accountId ? '' : chosen.account }));
                      scrollTo(0, 0);
                    }}
                    options={known.map((resource) => ({ value: resource.key, label: visible(resource.name), description: visible(resource.type) }))}
                    filteringType="auto"
                    placeholder="Kit-admin, i-0123456789abcdef0, arn:aws:s3:::logs"
                    enteredTextLabel={(value) => `Use “${visible(value)}”`}
                    empty="None of the resources that were changed last."
                    ariaLabel="Name, ID or ARN"
                    clearAriaLabel="Clear the name"
                  />
                </FormField>
                <FormField label="Region" description="It does not matter for IAM and S3.">
                  <Select
                    selectedOption={region ? { value: region, label: region } : { value: '', label: 'Where most of its events are' }}
                    onChange={({ detail }) => setRegion(detail.selectedOption.value ?? '')}
                    options={[{ value: '', label: 'Where most of its events are' }, ...[...new Set([...regions, ...(region ? [region] : [])])].map((one) => ({ value: one, label: one }))]}
                    ariaLabel="Region"
                  />
                </FormField>
                {identity.operator && (
                  <FormField
                    label="Account"
                    description={`Default: that of the ARN, or ${identity.accountId}.`}
                    errorText={badAccount ? 'An account has twelve digits.' : undefined}
                  >
                    <Input value={account} onChange={({ detail }) => setAccount(detail.value)} placeholder={accountIn(name.trim()) || identity.accountId} inputMode="numeric" ariaLabel="Account" />
                  </FormField>
                )}
              </div>
            </Form>
          </form>
        </Container>
        <ErrorAlert what="The types of resources could not be loaded" error={isDenied(types.error) ? undefined : types.error} onRetry={types.reload} />
        <RecentResources type={ask.type} recent={recent} onAllTypes={() => setParams({ type: undefined })} />
      </SpaceBetween>
    </Page>
  );
}
