import type { Selectors } from './cloudtrail';
import { type CallInit, requestIdOf, send } from './http';
import { endError, linesOf } from './lines';

// What reads a great deal and tells how far it is: dry runs of selectors, and the verification of what was delivered.

export interface DryRunInput extends Selectors {
  /** Of a trail for one region. */
  region?: string;
  includeGlobalServiceEvents?: boolean;
  imported?: boolean;
  since?: string;
  until?: string;
  samples?: number;
}

export interface DryRunCount {
  value: string;
  events: number;
  matched: number;
  matchedBytes: number;
}

export interface DryRunSample {
  eventId: string;
  eventTime: string;
  eventName: string;
  eventSource: string;
  username?: string;
  category: string;
  awsRegion: string;
  why: string;
}

export interface DryRunResult {
  since: string;
  until: string;
  scanned: number;
  matched: number;
  importedLeftOut: number;
  rawBytes: number;
  eventsPerDay: number;
  rawBytesPerDay: number;
  gzipBytesPerDay: number;
  categories: DryRunCount[];
  names: DryRunCount[];
  taken: DryRunSample[];
  notTaken: DryRunSample[];
  damage?: string[];
}

export interface DryRunProgress {
  scanned: number;
  matched: number;
  at: string;
}

/** Tries selectors on past events. */
export async function dryRun(input: DryRunInput, onProgress: (progress: DryRunProgress) => void, init?: CallInit): Promise<DryRunResult> {
  for await (const line of stream<{ progress?: DryRunProgress; result?: DryRunResult }>('/_cairn/api/trails/dry-run', input, init)) {
    if (line.result) return line.result;
    if (line.progress) onProgress(line.progress);
  }
  throw endError(undefined, undefined);
}

export interface VerifyInput {
  trail: string;
  region?: string;
  since?: string;
  until?: string;
}

export interface VerifyProgress {
  files: number;
  bytes: number;
}

export interface Finding {
  severity: 'damage' | 'unreadable' | 'unproved' | 'note';
  kind: string;
  bucket?: string;
  key?: string;
  from?: string;
  until?: string;
  files?: number;
  detail?: string;
  advice?: string;
}

export interface VerifiedChain {
  accountId: string;
  region: string;
  prefix?: string;
  digests: number;
  digestsProved: number;
  logFiles: number;
  logFilesProved: number;
  from?: string;
  until?: string;
  newestDigest?: string;
}

export interface VerifyResult {
  verdict: 'damaged' | 'unreadable' | 'unproved' | 'nothing found' | 'proved';
  trailArn: string;
  s3BucketName: string;
  seconds: number;
  digests: number;
  digestsProved: number;
  logFiles: number;
  logFilesProved: number;
  logFilesNotProved: number;
  bytes: number;
  damage: number;
  unreadable: number;
  unproved: number;
  findingsNotShown: number;
  chains: VerifiedChain[] | null;
}

/** Proves what a trail has delivered. Findings come when everything is read, the worst first. */
export async function verifyTrail(
  input: VerifyInput,
  onProgress: (progress: VerifyProgress) => void,
  init?: CallInit,
): Promise<{ result: VerifyResult; findings: Finding[] }> {
  const findings: Finding[] = [];
  for await (const line of stream<{ progress?: VerifyProgress; finding?: Finding; result?: VerifyResult }>('/_cairn/api/trails/verify', input, init)) {
    if (line.result) return { result: line.result, findings };
    if (line.finding) findings.push(line.finding);
    if (line.progress) onProgress(line.progress);
  }
  throw endError(undefined, undefined);
}

async function* stream<Line>(url: string, input: object, init?: CallInit): AsyncGenerator<Line, void> {
  const answer = await send(url, { ...init, method: 'POST', body: JSON.stringify(input), headers: { 'Content-Type': 'application/json', ...init?.headers } });
  for await (const text of linesOf(answer)) {
    const line = JSON.parse(text) as Line & { error?: { text?: string } };
    if (line.error) throw endError(line, requestIdOf(answer));
    yield line as Awaited<Line>;
  }
  throw endError(undefined, requestIdOf(answer));
}
