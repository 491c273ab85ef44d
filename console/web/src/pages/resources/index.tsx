import { useUrlState } from '@/components/urlState';
import { parseAsk } from './ask';
import { ResourceSearch } from './ResourceSearch';
import { ResourceTimeline } from './ResourceTimeline';
import './resources.css';

/** The timeline of the resource in the address; without one, the search for a resource. */
export default function Resources() {
  const [params] = useUrlState();
  const ask = parseAsk(params);
  return ask.name ? <ResourceTimeline key={JSON.stringify([ask.name, ask.type, ask.region, ask.account])} ask={ask} /> : <ResourceSearch ask={ask} />;
}
