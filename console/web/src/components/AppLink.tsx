import Link, { type LinkProps } from '@cloudscape-design/components/link';
import { useCallback, type ReactNode } from 'react';
import { useLocation } from 'wouter';

/** A handler for onFollow of Cloudscape's components: changes the page without loading it anew. */
export function useFollow() {
  const [, navigate] = useLocation();
  return useCallback(
    (event: { preventDefault(): void; detail: { href?: string; external?: boolean } }) => {
      const { href, external } = event.detail;
      if (!href || external || !href.startsWith('/')) return;
      event.preventDefault();
      navigate(href);
      // A new page begins at its top, as after any link.
      scrollTo(0, 0);
    },
    [navigate],
  );
}

/** A link to another page of the console. */
export function AppLink({ href, children, ...rest }: { href: string; children: ReactNode } & Omit<LinkProps, 'href' | 'children' | 'onFollow' | 'external'>) {
  const follow = useFollow();
  return (
    <Link {...rest} href={href} onFollow={follow}>
      {children}
    </Link>
  );
}
