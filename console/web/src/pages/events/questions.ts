import type { Search } from '@/components/event/search';
import { exactly, type EventQuery, type Token } from '@/components/event/query';
import { secondsText, type TimeRange } from '@/components/event/range';

/** A question that is asked when something happened. Without a range of its own it is asked of the range that is chosen. */
export interface Question {
  id: string;
  text: string;
  description: string;
  query: EventQuery;
  range?: TimeRange;
}

const is = (propertyKey: string, value: string): Token => ({ propertyKey, operator: '=', value });
const not = (propertyKey: string, value: string): Token => ({ propertyKey, operator: '!=', value });
const begins = (propertyKey: string, value: string): Token => ({ propertyKey, operator: '^', value });
const all = (...tokens: EventQuery['tokens']): EventQuery => ({ operation: 'and', tokens });
const any = (...tokens: Token[]) => ({ operation: 'or' as const, tokens });

export const questions: Question[] = [
  {
    id: 'deletes',
    text: 'What was deleted in the last two hours?',
    description: 'Calls whose names begin with Delete, Terminate or Remove',
    query: all(any(begins('EventName', 'Delete'), begins('EventName', 'Terminate'), begins('EventName', 'Remove'))),
    range: { is: 'last', amount: 2, unit: 'hour' },
  },
  {
    id: 'denied',
    text: 'Who was denied access?',
    description: 'AccessDenied, UnauthorizedOperation and their variants',
    query: all(any(begins('errorCode', 'AccessDenied'), is('errorCode', 'Client.UnauthorizedOperation'), begins('errorCode', 'Unauthorized'))),
  },
  {
    id: 'root',
    text: 'What did root users do?',
    description: 'Not what services did for them, nor what was looked at here',
    query: all(is('Username', 'root'), is('path.userIdentity.type', 'Root'), not('path.userIdentity.invokedBy', '*'), not('EventSource', 'cairn.amazonaws.com')),
  },
  {
    id: 'mfa',
    text: 'Who signed in to a console without MFA?',
    description: 'Successful console sign-ins for which MFA was not used',
    query: all(is('EventName', 'ConsoleLogin'), is('path.responseElements.ConsoleLogin', 'Success'), not('path.additionalEventData.MFAUsed', 'Yes')),
  },
  {
    id: 'trails',
    text: 'Who changed trails?',
    description: 'Calls of CloudTrail that write: StopLogging, DeleteTrail, PutEventSelectors …',
    query: all(is('EventSource', 'cloudtrail.amazonaws.com'), is('ReadOnly', 'false')),
  },
  {
    id: 'keys',
    text: 'Who made access keys, users or sign-in passwords?',
    description: 'How somebody stays in an account',
    query: all(any(is('EventName', 'CreateAccessKey'), is('EventName', 'CreateUser'), is('EventName', 'CreateLoginProfile'), is('EventName', 'UpdateLoginProfile'))),
  },
  { id: 'failed', text: 'What failed?', description: 'Calls with an error code, and refused sign-ins', query: all(is('errorOnly', 'true')) },
];

/** What an access key did in the last week, or in the week around a time. */
export function keyWeek(accessKeyId: string, around?: number): Search {
  const half = 3.5 * 86_400_000;
  return {
    query: all(exactly('AccessKeyId', accessKeyId)),
    range: around === undefined ? { is: 'last', amount: 7, unit: 'day' } : { is: 'between', since: secondsText(around - half), until: secondsText(around + half) },
    order: 'newest',
  };
}
