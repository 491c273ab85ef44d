import { useEffect, useRef, type ReactNode } from 'react';

/** Gives the first input within it the focus when a dialog opens, or the first button where there is no input: a Modal would give it to its Close. */
export function FirstFocus({ children }: { children: ReactNode }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // After the dialog has put the focus where it wants it.
    const timer = setTimeout(() => {
      const within = ref.current;
      (within?.querySelector<HTMLElement>('input:not([disabled]), textarea:not([disabled])') ?? within?.querySelector<HTMLElement>('button:not([disabled])'))?.focus();
    }, 50);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div ref={ref} style={{ display: 'contents' }}>
      {children}
    </div>
  );
}
