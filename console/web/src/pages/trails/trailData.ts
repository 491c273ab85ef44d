import * as cloudtrail from '@/api/cloudtrail';
import type { Trail } from '@/api/cloudtrail';
import { ApiError, type CallInit, isAbort } from '@/api/http';
import type { Session } from '@/api/session';
import { getDeliveries, type Problem, type TrailDelivery } from '@/api/trails';
import { paths } from '@/app/paths';

/** A trail, with how its deliveries stand as far as that may be known. */
export interface TrailRow {
  trail: Trail;
  delivery?: TrailDelivery;
  /** Whether it logs; undefined where nothing tells. */
  logging?: boolean;
  problems: Problem[];
  latestDelivery?: string | number;
  latestDigest?: string | number;
}

export interface TrailRows {
  rows: TrailRow[];
  /** Which S3 trails deliver to. */
  s3?: 'own' | 'other' | 'off';
  /** Why nothing is known of deliveries. */
  deliveriesError?: unknown;
}

/** All trails of the session's account. */
export async function loadTrails({ region, identity }: Session, init: CallInit): Promise<TrailRows> {
  const [trails, deliveries] = await Promise.all([
    cloudtrail.listAllTrails(region, init),
    getDeliveries({ account: identity.operator ? identity.accountId : undefined }, init).catch((error: unknown) => {
      if (isAbort(error)) throw error;
      return error as Error;
    }),
  ]);
  if (!(deliveries instanceof Error)) {
    const byARN = new Map(deliveries.trails?.map((delivery) => [delivery.trailArn, delivery]));
    const rows = trails.map((trail) => {
      const delivery = byARN.get(trail.TrailARN);
      const latestDigest = delivery?.latestDigestDelivery ?? delivery?.digestChains?.map((chain) => chain.newestDigestEnd ?? '').sort().pop();
      return { trail, delivery, logging: delivery?.isLogging, problems: delivery?.problems ?? [], latestDelivery: delivery?.latestDelivery, latestDigest };
    });
    return { rows: sorted(rows), s3: deliveries.s3 };
  }
  // Whoever may not see deliveries may still see what CloudTrail's own operation tells.
  const rows = await Promise.all(
    trails.map(async (trail) => {
      const status = await cloudtrail.getTrailStatus(trail.HomeRegion, trail.TrailARN, init).catch(() => undefined);
      const problem = (what: Problem['what'], error: string | undefined): Problem[] => (error ? [{ what, error, advice: '' }] : []);
      return {
        trail,
        logging: status?.IsLogging,
        problems: [
          ...problem('delivery', status?.LatestDeliveryError),
          ...problem('digest', status?.LatestDigestDeliveryError),
          ...problem('notification', status?.LatestNotificationError),
        ],
        latestDelivery: milliseconds(status?.LatestDeliveryTime),
        latestDigest: milliseconds(status?.LatestDigestDeliveryTime),
      };
    }),
  );
  return { rows: sorted(rows), deliveriesError: deliveries };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds ? seconds * 1000 : undefined;
}

function sorted(rows: TrailRow[]): TrailRow[] {
  return rows.sort((a, b) => (a.trail.Name + a.trail.HomeRegion < b.trail.Name + b.trail.HomeRegion ? -1 : 1));
}

/**
 * Finds the trail that an address names: by its ARN, or by its name in a region, by default the session's. Where that has none of the
 * name, one of any region.
 */
export async function findTrail(session: Session, nameOrARN: string, region: string | null, init: CallInit): Promise<Trail> {
  const home = nameOrARN.startsWith('arn:') ? nameOrARN.split(':')[3] : region;
  try {
    return await cloudtrail.getTrail(home || session.region, nameOrARN, init);
  } catch (error) {
    if (home || !(error instanceof ApiError) || error.code !== 'TrailNotFoundException') throw error;
    const named = (await cloudtrail.listAllTrails(session.region, init)).find((trail) => trail.Name === nameOrARN);
    if (named) return named;
    throw error;
  }
}

/** The address of a trail's page. */
export function trailPath(trail: Pick<Trail, 'Name' | 'HomeRegion'>, session: Session, params: Record<string, string> = {}): string {
  return withParams(paths.trail(trail.Name), trail, session, params);
}

export function editPath(trail: Pick<Trail, 'Name' | 'HomeRegion'>, session: Session, step: 'attributes' | 'events'): string {
  return withParams(`${paths.trail(trail.Name)}/edit`, trail, session, { step });
}

function withParams(path: string, trail: Pick<Trail, 'HomeRegion'>, session: Session, params: Record<string, string>): string {
  const query = new URLSearchParams({ ...(trail.HomeRegion !== session.region && { region: trail.HomeRegion }), ...params }).toString();
  return query ? `${path}?${query}` : path;
}

/** What follows the last slash of a key: the name of a file. */
export function fileName(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
