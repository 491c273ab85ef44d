import Flashbar, { type FlashbarProps } from '@cloudscape-design/components/flashbar';
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react';
import { ApiError, isAbort } from '@/api/http';

export interface Notification {
  type: 'success' | 'info' | 'warning' | 'error' | 'in-progress';
  header?: ReactNode;
  content?: ReactNode;
  action?: ReactNode;
  /** A notification with the ID of an earlier one replaces it. */
  id?: string;
  dismissible?: boolean;
}

interface Notifications {
  items: FlashbarProps.MessageDefinition[];
  notify(notification: Notification): string;
  dismiss(id: string): void;
}

const Context = createContext<Notifications | undefined>(undefined);
const kept = 20;
let count = 0;

export function NotificationsProvider({ children }: { children: ReactNode }) {
  const [items, setItems] = useState<FlashbarProps.MessageDefinition[]>([]);
  const dismiss = useCallback((id: string) => setItems((before) => before.filter((item) => item.id !== id)), []);
  const notify = useCallback(
    (notification: Notification) => {
      const id = notification.id ?? `notification-${++count}`;
      const { type, header, content, action, dismissible = true } = notification;
      const item: FlashbarProps.MessageDefinition = {
        id,
        type: type === 'in-progress' ? 'info' : type,
        loading: type === 'in-progress',
        header,
        content,
        action,
        dismissible,
        dismissLabel: 'Dismiss',
        onDismiss: () => dismiss(id),
        // Cloudscape moves the focus to an alert: right for failures only.
        ariaRole: type === 'error' ? 'alert' : 'status',
      };
      setItems((before) => [item, ...before.filter((other) => other.id !== id)].slice(0, kept));
      return id;
    },
    [dismiss],
  );
  const value = useMemo(() => ({ items, notify, dismiss }), [items, notify, dismiss]);
  return <Context value={value}>{children}</Context>;
}

function useNotifications(): Notifications {
  const value = useContext(Context);
  if (!value) throw new Error('useNotifications outside of NotificationsProvider');
  return value;
}

/** Shows messages above the page: notify() gives the ID to dismiss() or to replace a message by. */
export function useNotify() {
  const { notify, dismiss } = useNotifications();
  return useMemo(
    () => ({
      notify,
      dismiss,
      /** What was being done ("Trail audit was not stopped"), and why it failed. */
      notifyError: (header: string, error: unknown) => {
        if (isAbort(error)) return;
        const requestId = error instanceof ApiError ? error.requestId : undefined;
        notify({
          type: 'error',
          header,
          content: (
            <>
              {error instanceof ApiError ? `${error.code}: ` : ''}
              {error instanceof Error ? error.message : String(error)}
              {requestId && ` Request ID: ${requestId}`}
            </>
          ),
        });
      },
    }),
    [notify, dismiss],
  );
}

export function NotificationList() {
  const { items } = useNotifications();
  return (
    <Flashbar
      items={items}
      stackItems
      i18nStrings={{
        ariaLabel: 'Notifications',
        errorIconAriaLabel: 'Error',
        successIconAriaLabel: 'Success',
        warningIconAriaLabel: 'Warning',
        infoIconAriaLabel: 'Information',
        inProgressIconAriaLabel: 'In progress',
        notificationBarText: 'Notifications',
        notificationBarAriaLabel: 'View all notifications',
      }}
    />
  );
}
