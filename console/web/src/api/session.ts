import { type CallInit, getJSON, sendJSON } from './http';

/** Who is signed in, and where. */
export interface Session {
  identity: Identity;
  region: string;
  regions: string[];
  version: string;
  /** Seconds without a call after which the server ends the session. */
  idleSeconds: number;
  /** When the session ends in any case. */
  expires?: string;
  /** The server runs with --dev: anybody's keys are good. */
  dev: boolean;
  signedIn: true;
}

export interface Identity {
  /** Root, IAMUser, AssumedRole … */
  type: string;
  arn: string;
  accountId: string;
  userName?: string;
  principalId: string;
  /** Of the key that was signed in with; none after a one-time link. */
  accessKeyId?: string;
  /** May see all accounts. */
  operator: boolean;
}

export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  region?: string;
}

export const getSession = (init?: CallInit) => getJSON<Session>('/session', init);
export const signIn = (key: AccessKey) => sendJSON<Session>('POST', '/session', key);
export const redeemLink = (link: string) => sendJSON<Session>('POST', '/session', { link });
export const setRegion = (region: string) => sendJSON<Session>('PATCH', '/session', { region });
export const signOut = () => getJSON<void>('/session', { method: 'DELETE' });

/** The name to show for an identity: its user name, or what its ARN ends with. */
export function nameOf(identity: Identity): string {
  if (identity.userName) return identity.userName;
  if (identity.type === 'Root') return 'root';
  return identity.arn.split(':').slice(5).join(':').replace(/^[^/]*\//, '') || identity.principalId;
}
