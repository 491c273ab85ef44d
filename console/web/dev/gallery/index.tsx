import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMemo, useState } from 'react';
import { findPage, getHistogram, getValues } from '@/api/events';
import { ApiError } from '@/api/http';
import { listBuckets, listObjects } from '@/api/s3';
import { tailEvents } from '@/api/tail';
import { getDeliveries, getLogFiles } from '@/api/trails';
import { callJSON, callQuery } from '@/api/aws';
import { summarize } from '@/api/record';
import { useNotify } from '@/app/notifications';
import { Page } from '@/app/Page';
import { EmptyState } from '@/components/EmptyState';
import { ErrorAlert } from '@/components/ErrorAlert';
import { formatAgo, formatBytes, formatCount } from '@/components/format';
import { Histogram, stepFor } from '@/components/Histogram';
import { JsonView } from '@/components/JsonView';
import { Loading } from '@/components/Loading';
import { TimeText } from '@/components/TimeText';
import { useLoad } from '@/components/useLoad';

/** Every shared component, and one call of every kind, for dev/shots.mjs and for those who write pages. */
export default function Gallery() {
  const { notifyError } = useNotify();
  const [range, setRange] = useState(() => ({ since: Date.now() - 24 * 3_600_000, until: Date.now() }));
  const step = stepFor(range.since, range.until);
  const iso = (time: number) => new Date(time).toISOString();
  const page = useLoad((signal) => findPage({ limit: 5 }, { signal }), []);
  const histogram = useLoad((signal) => getHistogram({ since: iso(range.since), until: iso(range.until) }, step, { signal }), [range, step]);
  const others = useLoad(
    async (signal) => {
      const values = await getValues({ attribute: 'EventName', limit: 2 }, { signal });
      const trails = await getDeliveries({}, { signal });
      const files = await getLogFiles({ trail: 'audit' }, { signal });
      const described = await callJSON<{ trailList: { Name: string }[] }>('cloudtrail', 'us-east-1', 'DescribeTrails', {}, { signal });
      const users = await callQuery<{ Users: { UserName: string }[] }>('iam', 'us-east-1', 'ListUsers', {}, { signal });
      const buckets = await listBuckets('us-east-1', { signal });
      const objects = await listObjects('us-east-1', 'logs', {}, { signal });
      const stop = new AbortController();
      const seen: string[] = [];
      await tailEvents({}, { onEvent: (event) => (seen.push(summarize(event.record).eventName), stop.abort()) }, AbortSignal.any([signal, stop.signal]));
      return {
        values: values.values.map((value) => `${value.value} ${value.count}`),
        trails: trails.trails?.map((trail) => trail.name),
        files: files.files.length,
        described: described.trailList.map((trail) => trail.Name),
        users: users.Users.map((user) => user.UserName),
        buckets: buckets.map((bucket) => bucket.name),
        keys: objects.objects.map((object) => object.key),
        tailed: seen.length,
      };
    },
    [],
  );
  const large = useMemo(() => JSON.stringify({ Records: Array.from({ length: 1500 }, (_, i) => ({ eventID: `id-${i}`, n: i, when: '2024-05-01T10:00:00Z', deep: { a: [1, 2, { b: null }], 'tag\u202e': true } })) }), []);

  return (
    <Page title="Gallery" description="The shared components.">
      <SpaceBetween size="l">
        <ErrorAlert
          what="The trails could not be listed"
          error={new ApiError('User: arn:aws:iam::111122223333:user/reader is not authorized to perform: cloudtrail:DescribeTrails', 'AccessDeniedException', 403, '0a1b2c3d-1111-2222-3333-444455556666')}
          onRetry={() => notifyError('Trail audit was not stopped', new ApiError('The bucket refused.', 'AccessDenied', 403, 'abc'))}
        />
        <ErrorAlert what="The events could not be found" error={page.error} onRetry={page.reload} />
        <ErrorAlert what="The calls failed" error={others.error} onRetry={others.reload} />
        <Container header={<Header variant="h2">Events over time</Header>}>
          <Histogram
            buckets={histogram.data ?? []}
            loading={histogram.loading}
            since={range.since}
            until={range.until}
            stepSeconds={step}
            onSelect={(since, until) => setRange({ since, until })}
          />
        </Container>
        <Container header={<Header variant="h2">An event</Header>}>
          {page.data?.events[0] ? <JsonView text={page.data.events[0].raw} what="event record" /> : <Loading what="Looking for events" />}
        </Container>
        <Container header={<Header variant="h2">One call of each kind</Header>}>
          {others.data ? <JsonView text={JSON.stringify(others.data)} /> : <Loading />}
        </Container>
        <Container header={<Header variant="h2">A large record</Header>}>
          <JsonView text={large} maxHeight={200} />
        </Container>
        <Container>
          <EmptyState title="No trails" command="aws cloudtrail create-trail --name audit --s3-bucket-name logs">
            A trail delivers the events of an account to a bucket.
          </EmptyState>
        </Container>
        <div>
          <TimeText time="2024-05-01T10:00:01Z" /> · {formatBytes(1_234_567)} · {formatCount(1, 'file')} · {formatAgo(Date.now() - 4000_000)}
        </div>
      </SpaceBetween>
    </Page>
  );
}
