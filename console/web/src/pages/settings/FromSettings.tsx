import type { ReactNode } from 'react';
import type { Settings } from '@/api/settings';
import { LoadError } from '@/components/LoadError';
import { Loading } from '@/components/Loading';
import type { Loaded } from '@/components/useLoad';

/** What needs the settings, once they are there. */
export function FromSettings({ data, error, loading, reload, children }: Loaded<Settings> & { children(settings: Settings): ReactNode }) {
  if (data) return children(data);
  if (error) return <LoadError what="The settings could not be loaded" error={error} onRetry={reload} />;
  return loading ? <Loading what="Loading the settings" /> : null;
}
