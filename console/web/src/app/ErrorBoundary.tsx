import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import { Component, type ErrorInfo, type ReactNode } from 'react';

/** Shows what a page threw while it was drawn, in place of the page. Another value of "reset" tries again. */
export class ErrorBoundary extends Component<{ reset?: string; children: ReactNode }, { error?: unknown; reset?: string }> {
  override state: { error?: unknown; reset?: string } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error: error ?? new Error('unknown') };
  }

  static getDerivedStateFromProps(props: { reset?: string }, state: { error?: unknown; reset?: string }) {
    return props.reset === state.reset ? null : { error: undefined, reset: props.reset };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo) {
    console.error(error, info.componentStack);
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    // A page's code that does not load any more: the server was upgraded since this page was opened.
    const stale = error instanceof TypeError && /import/i.test(error.message);
    return (
      <Box padding="l">
        <Alert
          type="error"
          header={stale ? 'This page could not be loaded' : 'This page failed'}
          action={<Button onClick={() => location.reload()}>Reload</Button>}
        >
          {stale ? 'The server may have been stopped or upgraded. Reload to go on.' : error instanceof Error ? error.message : String(error)}
        </Alert>
      </Box>
    );
  }
}
