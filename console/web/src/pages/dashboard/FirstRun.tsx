import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { paths } from '@/app/paths';
import { useFollow } from '@/components/AppLink';
import { Command } from '@/components/Command';

const steps = [
  { what: 'Call Cairn as you would call AWS, and look for it', command: 'eval "$(cairn env)" && aws cloudtrail lookup-events' },
  { what: 'Import the log files that you have', command: 'cairn import ./AWSLogs' },
  { what: 'Or fill it with a made-up day that has an incident in it', command: 'cairn demo' },
];

/** What to do next, while there are no events. */
export function FirstRun() {
  const follow = useFollow();
  return (
    <Container
      header={
        <Header variant="h2" description="So far there is nothing but what this console has asked for.">
          No events yet
        </Header>
      }
    >
      <SpaceBetween size="m">
        {steps.map(({ what, command }) => (
          <div key={command}>
            <Box color="text-body-secondary" margin={{ bottom: 'xxs' }}>
              {what}:
            </Box>
            <Command text={command} />
          </div>
        ))}
        <div>
          <Box color="text-body-secondary" margin={{ bottom: 'xxs' }}>
            To keep events in a bucket as signed log files:
          </Box>
          <Button href={paths.newTrail} onFollow={follow} variant="primary">
            Create trail
          </Button>
        </div>
      </SpaceBetween>
    </Container>
  );
}
