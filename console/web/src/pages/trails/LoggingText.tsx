import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { Problem } from '@/api/trails';

/** Whether a trail logs, and whether its deliveries work. */
export function LoggingText({ logging, problems }: { logging: boolean | undefined; problems?: readonly Problem[] | null }) {
  if (logging === undefined) return <StatusIndicator type="pending">Unknown</StatusIndicator>;
  if (!logging) return <StatusIndicator type="stopped">Off</StatusIndicator>;
  return problems?.length ? <StatusIndicator type="warning">With errors</StatusIndicator> : <StatusIndicator type="success">Logging</StatusIndicator>;
}

const destinationNames: Record<Problem['what'], string> = {
  delivery: 'Log files',
  digest: 'Digests',
  notification: 'Notifications',
  givenUp: 'Given up',
};

/** What does not work, for each destination, and what to do about it. */
export function ProblemList({ problems }: { problems: readonly Problem[] }) {
  return (
    <SpaceBetween size="xs">
      {problems.map(({ what, error, advice }) => (
        <div key={what} className="breakable">
          <Box variant="strong" color="text-status-error">
            {destinationNames[what] ?? what}: {error}
          </Box>
          {advice && <Box variant="p">{advice[0]!.toUpperCase() + advice.slice(1)}.</Box>}
        </div>
      ))}
    </SpaceBetween>
  );
}
