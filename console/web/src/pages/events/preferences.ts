import type { CollectionPreferencesProps } from '@cloudscape-design/components/collection-preferences';
import { useMemo } from 'react';
import { useSavedState } from '@/components/savedState';
import { displayOf, firstDisplay } from './columns';

/** How the table of events is set up, kept for each user. */
export interface Preferences {
  pageSize: number;
  wrapLines: boolean;
  density: 'comfortable' | 'compact';
  histogram: boolean;
  display: readonly CollectionPreferencesProps.ContentDisplayColumn[];
}

const first: Preferences = { pageSize: 50, wrapLines: false, density: 'comfortable', histogram: true, display: firstDisplay };

/** Never more than a hundred: more rows make any browser slow. */
export const pageSizes = [10, 50, 100];

export function usePreferences(): [Preferences, (preferences: Preferences) => void] {
  const [saved, save] = useSavedState('events.table', first);
  const preferences = useMemo(() => {
    const now = { ...first, ...saved };
    return { ...now, pageSize: pageSizes.includes(now.pageSize) ? now.pageSize : first.pageSize, display: displayOf(now.display) };
  }, [saved]);
  return [preferences, save];
}
