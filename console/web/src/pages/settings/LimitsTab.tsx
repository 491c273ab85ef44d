import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { Limits, PlaceLimit } from '@/api/settings';
import { formatCount, formatDuration, formatNumber } from '@/components/format';

/** How much there can be of what, as the server tells. */
export function LimitsTab({ limits }: { limits: Limits }) {
  return (
    <SpaceBetween size="l">
      <Container header={<Header variant="h2" description="Settings of the server, read at its start.">Time</Header>}>
        <KeyValuePairs
          columns={4}
          items={[
            { label: 'Events are kept (--retention)', value: limits.retention === '0' ? 'for ever' : `for ${limits.retention}` },
            { label: "AWS's rates (--throttle)", value: limits.throttle ? 'on: AWS calls are throttled as by AWS' : 'off: AWS calls are not throttled' },
            { label: 'Log files (--delivery-interval)', value: `every ${formatDuration(limits.deliveryIntervalSeconds)}` },
            { label: 'Digests (--digest-interval)', value: `for ${formatDuration(limits.digestIntervalSeconds)} each` },
          ]}
        />
      </Container>
      <Container header={<Header variant="h2" description="What goes beyond is refused; a connection too many closes the one that has waited longest.">Sizes and numbers</Header>}>
        <KeyValuePairs
          columns={4}
          items={[
            { label: 'A record that is sent', value: binary(limits.recordBytes) },
            { label: 'A body of records', value: `${binary(limits.putEvents.bytes)}, ${binary(limits.putEvents.unpackedBytes)} unpacked` },
            { label: 'Records in a body', value: formatNumber(limits.putEvents.records) },
            { label: 'Connections', value: `${formatNumber(limits.connections.all)}, of which ${formatNumber(limits.connections.address)} from one address` },
            { label: 'Streams at a time', value: <Place limit={limits.streams} /> },
            { label: 'Searches that read every record, at a time', value: <Place limit={limits.searches} /> },
          ]}
        />
      </Container>
      <Container header={<Header variant="h2" description="As AWS has them by default.">Quotas of the account</Header>}>
        <KeyValuePairs columns={4} items={Object.entries(limits.quotas).map(([name, n]) => ({ label: words(name), value: formatNumber(n) }))} />
      </Container>
    </SpaceBetween>
  );
}

function Place({ limit }: { limit: PlaceLimit }) {
  return (
    <>
      {formatNumber(limit.all)} in all, {formatNumber(limit.account)} of one account, {formatCount(limit.operators, 'place')} kept for operators
    </>
  );
}

/** 16 MiB: these limits are powers of two. */
function binary(bytes: number): string {
  const mib = bytes / (1 << 20);
  return mib >= 1 ? `${formatNumber(mib)} MiB` : `${formatNumber(bytes / 1024)} KiB`;
}

/** "AccessKeysPerUser" as "Access keys per user". */
function words(name: string): string {
  const text = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
