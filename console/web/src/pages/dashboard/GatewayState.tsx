import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import type { GatewayStatus } from '@/api/overview';
import { paths } from '@/app/paths';
import { AppLink } from '@/components/AppLink';
import { ForwardPairs, GatewayAlerts, GatewayRoutes } from '@/components/GatewayRoutes';
import SpaceBetween from '@cloudscape-design/components/space-between';

/** How the gateway stands, for operators, where there is one. */
export function GatewayState({ gateway }: { gateway: GatewayStatus }) {
  return (
    <SpaceBetween size="l">
      <GatewayAlerts gateway={gateway} />
      {!!gateway.listeners?.length && (
        <GatewayRoutes
          gateway={gateway}
          header={
            <Header variant="h2" description={<>Shown to operators. More in the <AppLink href={`${paths.settings}?tab=gateway`} fontSize="body-s">settings of the gateway</AppLink>.</>}>
              Gateway
            </Header>
          }
        />
      )}
      {gateway.forward && (
        <Container header={<Header variant="h2">Forwarding of the gateway's records</Header>}>
          <ForwardPairs forward={gateway.forward} />
        </Container>
      )}
    </SpaceBetween>
  );
}
