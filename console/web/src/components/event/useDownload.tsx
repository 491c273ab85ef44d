import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useCallback, useSyncExternalStore } from 'react';
import { isAbort } from '@/api/http';
import { useNotify } from '@/app/notifications';
import { formatBytes, formatCount, formatNumber } from '@/components/format';
import { downloadEvents, isDownloading, whenDownloading, type Format, type Progress } from './download';

const id = 'download';

/** Downloads with progress, and a Cancel that asks once more, in a notification that stays when the page is left. */
export function useDownload() {
  const { notify, notifyError, dismiss } = useNotify();
  const busy = useSyncExternalStore(whenDownloading, isDownloading);

  const download = useCallback(
    async (conditions: URLSearchParams, format: Format, expected?: number) => {
      if (isDownloading()) return;
      const stop = new AbortController();
      let progress: Progress = { format, rows: 0, bytes: 0 };
      let asking = false;
      const name = format === 'ndjson' ? 'NDJSON' : format.toUpperCase();
      const show = () =>
        notify({
          id,
          type: 'in-progress',
          dismissible: false,
          header: asking ? `Cancel the download of ${name}?` : `Downloading ${name}`,
          content: asking
            ? `${formatCount(progress.rows, 'event')} so far. Nothing of it is kept.`
            : `${expected ? `${formatNumber(progress.rows)} of about ${formatCount(Math.max(expected, progress.rows), 'event')}` : formatCount(progress.rows, 'event')}, ${formatBytes(progress.bytes)}`,
          action: asking ? (
            <SpaceBetween direction="horizontal" size="xs">
              <Button onClick={() => ask(false)}>Go on</Button>
              <Button onClick={() => stop.abort()}>Cancel download</Button>
            </SpaceBetween>
          ) : (
            <Button onClick={() => ask(true)}>Cancel</Button>
          ),
        });
      const ask = (now: boolean) => {
        asking = now;
        show();
      };
      show();
      try {
        const done = await downloadEvents(conditions, format, stop.signal, (now) => {
          progress = now;
          // The question stands still while it is asked.
          if (!asking) show();
        });
        notify({
          id,
          type: 'success',
          header: `Downloaded ${formatCount(done.rows, 'event')}`,
          content: `${done.name}, ${formatBytes(done.bytes)}.${
            done.neutralized ? ' Cells that a spreadsheet would run as a formula begin with an apostrophe (neutralised); JSON and NDJSON have every value as it is.' : ''
          }`,
        });
      } catch (error) {
        dismiss(id);
        if (stop.signal.aborted || isAbort(error)) notify({ id, type: 'info', header: 'Download cancelled', content: `${formatCount(progress.rows, 'event')} had come.` });
        else notifyError('The download was not completed, and nothing was saved', error);
      }
    },
    [notify, notifyError, dismiss],
  );
  return { download, busy };
}
