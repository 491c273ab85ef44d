import Box from '@cloudscape-design/components/box';
import { AppLink } from '@/components/AppLink';
import { Page } from './Page';
import { home } from './routes';

export function NotFound() {
  return (
    <Page title="Page not found">
      <Box>
        There is no page at <span className="mono breakable">{location.pathname}</span>.{' '}
        {home !== '/' && <AppLink href={home}>Go to the first page</AppLink>}
      </Box>
    </Page>
  );
}
