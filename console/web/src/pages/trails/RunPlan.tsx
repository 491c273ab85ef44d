import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Steps, { type StepsProps } from '@cloudscape-design/components/steps';
import { useEffect, useRef, useState } from 'react';
import { ErrorAlert } from '@/components/ErrorAlert';
import { JsonView } from '@/components/JsonView';
import type { Fix, Made, PlanStep } from './trailPlan';

/** What was done so far, kept over corrections: steps by their ID, with what they said. */
export interface Progress {
  done: Map<string, string>;
  made: Made;
}

/**
 * Does the steps of a plan, one after the other, and says of each what it did. One that fails can be tried again, after a fix; what was done
 * before it is not done twice.
 */
export function RunPlan({ title, doneTitle, steps, progress, onBack, onDone, doneText }: {
  title: string;
  doneTitle: string;
  steps: readonly PlanStep[];
  progress: Progress;
  onBack: () => void;
  onDone: () => void;
  doneText: string;
}) {
  const [at, setAt] = useState(0);
  const [running, setRunning] = useState(true);
  const [error, setError] = useState<unknown>();
  const [fix, setFix] = useState<Fix>();
  const alive = useRef(true);
  const started = useRef(false);
  const heading = useRef<HTMLSpanElement>(null);

  const run = async () => {
    setRunning(true);
    setError(undefined);
    setFix(undefined);
    for (const [i, step] of steps.entries()) {
      if (progress.done.has(step.id)) continue;
      setAt(i);
      try {
        progress.done.set(step.id, await step.run(progress.made));
      } catch (failure) {
        if (!alive.current) return;
        setError(failure);
        setRunning(false);
        // Whoever may not read the policy is told nothing more than the error.
        const offered = await step.fix?.(failure, progress.made).catch(() => undefined);
        if (alive.current) setFix(offered);
        return;
      }
      if (!alive.current) return;
    }
    setAt(steps.length);
    setRunning(false);
  };
  const applyFix = async () => {
    if (!fix) return;
    setRunning(true);
    try {
      await fix.apply();
    } catch (failure) {
      setError(failure);
      setRunning(false);
      return;
    }
    await run();
  };

  useEffect(() => {
    alive.current = true;
    heading.current?.focus({ preventScroll: true });
    if (!started.current) {
      started.current = true;
      void run();
    }
    return () => {
      alive.current = false;
    };
  }, []);

  const finished = at >= steps.length && !error;
  const failed = steps[at];
  const items: StepsProps.Step[] = steps.map((step, i) => {
    const done = progress.done.get(step.id);
    const status = done !== undefined ? 'success' : i === at && error ? 'error' : i === at && running ? 'loading' : 'pending';
    return { header: step.title, details: done ?? (status === 'error' ? 'Failed' : undefined), status, statusIconAriaLabel: { success: 'Done', error: 'Failed', loading: 'Under way', pending: 'Not yet' }[status] };
  });
  return (
    <Container
      header={
        <Header
          variant="h2"
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              {!finished && (
                <Button onClick={onBack} disabled={running}>
                  Change the settings
                </Button>
              )}
              {finished ? (
                <Button variant="primary" onClick={onDone}>
                  Open the trail
                </Button>
              ) : (
                <Button variant="primary" onClick={run} loading={running} disabled={!error}>
                  Go on
                </Button>
              )}
            </SpaceBetween>
          }
        >
          <span ref={heading} tabIndex={-1} className="trails-heading">
            {finished ? doneTitle : title}
          </span>
        </Header>
      }
    >
      <SpaceBetween size="m">
        <div aria-live="polite">
          <Steps steps={items} ariaLabel={title} />
        </div>
        {!!error && <ErrorAlert what={`${failed?.title ?? 'A step'}: this failed`} error={error} />}
        {!!error && fix && (
          <Alert type="info" header={`What is missing in ${fix.title} can be added`} action={<Button onClick={applyFix}>Add it and go on</Button>}>
            <SpaceBetween size="xs">
              <div>Statements that the policy has stay as they are. It would be:</div>
              <JsonView text={fix.policy} what="policy" maxHeight={300} />
            </SpaceBetween>
          </Alert>
        )}
        {!!error && progress.done.size > 0 && <div>What is done stays, and is not done again.</div>}
        {finished && <Alert type="success">{doneText}</Alert>}
      </SpaceBetween>
    </Container>
  );
}
