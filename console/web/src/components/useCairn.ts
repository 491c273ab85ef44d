import { getSettings } from '@/api/settings';
import { useSession } from '@/app/session';
import { useLoad } from './useLoad';

/**
 * Makes command lines of the cairn program, which acts as the owner of the data directory: in the operator's account. So there are none for
 * anybody else. A data directory that is not called as by default is named.
 */
export function useCairn(): ((command: string) => string) | undefined {
  const { identity } = useSession();
  const settings = useLoad(async (signal) => (identity.operator ? getSettings({ signal, background: true }) : undefined), [identity.operator]);
  if (!identity.operator) return undefined;
  const data = settings.data?.server?.data ?? '';
  return (command) => cairnCommand(command, data);
}

/** A command with the data directory that it needs. */
export function cairnCommand(command: string, data: string): string {
  if (data === '' || /(^|\/)cairn-data\/?$/.test(data)) return `cairn ${command}`;
  return `cairn ${command} --data ${/^[\w@%+=:,./-]+$/.test(data) ? data : `'${data.replace(/'/g, `'\\''`)}'`}`;
}
