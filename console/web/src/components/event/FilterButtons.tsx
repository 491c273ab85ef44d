import Button from '@cloudscape-design/components/button';
import { useLocation } from 'wouter';
import type { ReactNode } from 'react';
import { useFollow } from '@/components/AppLink';
import { propertyLabel, type Token } from './query';
import { narrowedPath, searchFor } from './search';
import './event.css';

/** A value with what one may search by it: in the history also for it, without it, for it alone; elsewhere for it. The buttons are links, and show when they are pointed at or reached. */
export function FilterableValue({ token, children }: { token: Token | undefined; children: ReactNode }) {
  return (
    <span className="event-value">
      <span className="event-value-text breakable">{children}</span>
      {token && <FilterButtons token={token} />}
    </span>
  );
}

function FilterButtons({ token }: { token: Token }) {
  const [path] = useLocation();
  const follow = useFollow();
  const what = `${propertyLabel(token.propertyKey)} ${token.value.length > 80 ? `${token.value.slice(0, 80)}…` : token.value}`;
  const params = () => new URLSearchParams(location.search);
  const inHistory = path === '/events';
  if (!inHistory) {
    return (
      <span className="event-value-buttons">
        <Button variant="inline-icon" iconName="search" ariaLabel={`Search for ${what}`} href={searchFor([token])} onFollow={follow} />
      </span>
    );
  }
  return (
    <span className="event-value-buttons">
      <Button variant="inline-icon" iconName="add-plus" ariaLabel={`Narrow the search to ${what}`} href={narrowedPath(path, params(), token)} onFollow={follow} />
      <Button
        variant="inline-icon"
        iconName="subtract-minus"
        ariaLabel={`Leave out ${what}`}
        href={narrowedPath(path, params(), { ...token, operator: '!=' })}
        onFollow={follow}
      />
      <Button variant="inline-icon" iconName="search" ariaLabel={`Search for ${what} alone, at any time`} href={searchFor([token])} onFollow={follow} />
    </span>
  );
}
