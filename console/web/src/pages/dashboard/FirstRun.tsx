import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { paths } from '@/app/paths';
import { useFollow } from '@/components/AppLink';
import { Command } from '@/components/Command';
import { importHint } from '@/components/NoEvents';
import { useCairn } from '@/components/useCairn';

/** What to do next, while there are no events. */
export function FirstRun() {
  const follow = useFollow();
  const cairn = useCairn();
  const steps = cairn
    ? [
        { what: 'Call Cairn as you would call AWS, and look for it:', command: `eval "$(${cairn('env')})" && aws cloudtrail lookup-events` },
        { what: <>Import the log files that you have. {importHint}</>, command: cairn('import ./AWSLogs') },
        { what: 'Or fill it with a made-up day that has an incident in it:', command: cairn('demo') },
      ]
    : [];
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
              {what}
            </Box>
            <Command text={command} />
          </div>
        ))}
        {!cairn && <Box color="text-body-secondary">Calls that are made with the access keys of this account appear here as they happen. Whoever runs the server can import log files of CloudTrail.</Box>}
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
