import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import type { DateRangePickerProps } from '@cloudscape-design/components/date-range-picker';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Pagination from '@cloudscape-design/components/pagination';
import Select from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator, { type StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useEffect, useRef, useState } from 'react';
import type { Trail } from '@/api/cloudtrail';
import { isAbort } from '@/api/http';
import { type Finding, type VerifyProgress, type VerifyResult, verifyTrail } from '@/api/proofs';
import { searchPath } from '@/app/paths';
import { useSession } from '@/app/session';
import { AppLink } from '@/components/AppLink';
import { CairnCommand } from '@/components/CairnCommand';
import { literal } from '@/components/event/query';
import { ErrorAlert } from '@/components/ErrorAlert';
import { formatBytes, formatCount, formatDuration, formatNumber } from '@/components/format';
import { TimeText } from '@/components/TimeText';
import { visible } from '@/components/visible';
import { RangeInput, timesOf } from './RangeInput';
import { quote } from './shell';
import { fileName } from './trailData';

const severities: Record<Finding['severity'], { label: string; type: StatusIndicatorProps.Type }> = {
  damage: { label: 'Damage', type: 'error' },
  unreadable: { label: 'Cannot be read', type: 'error' },
  unproved: { label: 'Not proved', type: 'warning' },
  note: { label: 'Note', type: 'info' },
};
const pageSize = 25;

/** What the server's own store cannot give back as it was put is damage, whoever did it. */
function severityOf({ severity, kind }: Finding) {
  return severities[kind === 'damaged in the store' ? 'damage' : severity] ?? { label: severity, type: 'info' as const };
}

// What is there and should not be, or stands in the wrong place: no delivery changes that.
const notByDelivery = ['log file in no digest', 'foreign file', 'fork', 'not in the chain', 'order', 'listed twice', 'key not valid then', 'chain goes on elsewhere'];

/** Whether the file of a finding can be put back as it was. */
function isRepairable(finding: Finding): finding is Finding & { key: string } {
  return !!finding.key && (finding.severity === 'damage' || finding.severity === 'unreadable') && !notByDelivery.includes(finding.kind);
}

/** Proves what the trail has delivered: that all of it is there, and as it was. */
export function Verify({ trail, onOpen, onRedeliver }: { trail: Trail; onOpen: (key: string) => void; onRedeliver: (key: string) => void }) {
  const { regions } = useSession();
  const [range, setRange] = useState<DateRangePickerProps.Value | null>(null);
  const [region, setRegion] = useState('');
  const [state, setState] = useState<{ running: boolean; progress?: VerifyProgress; done?: { result: VerifyResult; findings: Finding[]; at: number }; error?: unknown }>({ running: false });
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const run = async () => {
    stop.current?.abort();
    const control = (stop.current = new AbortController());
    setState({ running: true });
    try {
      const done = await verifyTrail({ trail: trail.TrailARN, region, ...timesOf(range) }, (progress) => setState((before) => ({ ...before, progress })), { signal: control.signal });
      setState({ running: false, done: { ...done, at: Date.now() } });
    } catch (error) {
      if (stop.current === control) setState(isAbort(error) ? { running: false } : { running: false, error });
    }
  };

  const { running, progress, done, error } = state;
  const options = [{ value: '', label: 'All regions' }, ...regions.map((value) => ({ value, label: value }))];
  return (
    <SpaceBetween size="m">
      <Container
        header={
          <Header variant="h2" description="Reads the digests and the log files that they list out of the bucket, as you, and checks each signature, chain and hash.">
            Verify what was delivered
          </Header>
        }
      >
        <SpaceBetween size="m">
          <div className="trails-row">
            <RangeInput value={range} onChange={setRange} placeholder="All the time that there is" ariaLabel="Time range that is verified" />
            <Select ariaLabel="Region that is verified" selectedOption={options.find(({ value }) => value === region)!} options={options} onChange={({ detail }) => setRegion(detail.selectedOption.value!)} />
            {running ? (
              <Button onClick={() => stop.current?.abort()}>Cancel</Button>
            ) : (
              <Button variant="primary" onClick={run}>
                Verify now
              </Button>
            )}
          </div>
          <div aria-live="polite">
            {running && (
              <StatusIndicator type="in-progress">
                {formatCount(progress?.files ?? 0, 'file')} read, {formatBytes(progress?.bytes ?? 0)}
              </StatusIndicator>
            )}
          </div>
          <ErrorAlert what="The verification did not come to its end" error={error} onRetry={run} />
          {done && <Verdict result={done.result} findings={done.findings} />}
        </SpaceBetween>
      </Container>
      {done && done.findings.length > 0 && <Findings key={done.at} findings={done.findings} notShown={done.result.findingsNotShown} trail={trail} onOpen={onOpen} onRedeliver={onRedeliver} />}
      {done && <Chains result={done.result} onOpen={onOpen} />}
    </SpaceBetween>
  );
}

const verdicts: Record<VerifyResult['verdict'], { type: 'success' | 'error' | 'warning' | 'info'; header: string }> = {
  proved: { type: 'success', header: 'Proved: everything is there, and as it was delivered' },
  damaged: { type: 'error', header: 'Damaged: something was changed, removed or added' },
  unreadable: { type: 'error', header: 'Not everything could be read' },
  unproved: { type: 'warning', header: 'Not everything is proved' },
  'nothing found': { type: 'info', header: 'There is nothing to verify' },
};

function Verdict({ result, findings }: { result: VerifyResult; findings: readonly Finding[] }) {
  const inStore = findings.some(({ kind }) => kind === 'damaged in the store');
  const { type, header } = verdicts[inStore ? 'damaged' : result.verdict] ?? { type: 'warning', header: result.verdict };
  const worst = findings.find(({ severity }) => severity !== 'note');
  return (
    <Alert type={type} header={header} statusIconAriaLabel={type}>
      <SpaceBetween size="s">
        {worst && (
          <div className="breakable">
            {worst.kind}
            {worst.key && `: ${visible(worst.key)}`}
            {worst.detail && ` (${visible(worst.detail)})`}
          </div>
        )}
        <KeyValuePairs
          columns={4}
          items={[
            { label: 'Log files', value: `${formatNumber(result.logFilesProved)} of ${formatNumber(result.logFiles)} proved` },
            { label: 'Digests', value: `${formatNumber(result.digestsProved)} of ${formatNumber(result.digests)} proved` },
            { label: 'Read', value: `${formatBytes(result.bytes)} in ${result.seconds < 0.1 ? 'less than 0.1 s' : formatDuration(result.seconds)}` },
            { label: 'Findings', value: `${formatNumber(result.damage)} damage, ${formatNumber(result.unreadable)} unreadable, ${formatNumber(result.unproved)} not proved` },
          ]}
        />
      </SpaceBetween>
    </Alert>
  );
}

interface FindingsProps {
  findings: readonly Finding[];
  notShown: number;
  trail: Trail;
  onOpen: (key: string) => void;
  onRedeliver: (key: string) => void;
}

function Findings({ findings, notShown, trail, onOpen, onRedeliver }: FindingsProps) {
  const [page, setPage] = useState(1);
  return (
    <Table
      header={
        <Header variant="h2" counter={`(${formatNumber(findings.length)}${notShown > 0 ? `, and ${formatNumber(notShown)} that are not shown` : ''})`}>
          Findings
        </Header>
      }
      wrapLines
      items={findings.slice((page - 1) * pageSize, page * pageSize)}
      ariaLabels={{ tableLabel: 'Findings' }}
      pagination={
        findings.length > pageSize && (
          <Pagination
            currentPageIndex={page}
            pagesCount={Math.ceil(findings.length / pageSize)}
            onChange={({ detail }) => setPage(detail.currentPageIndex)}
            ariaLabels={{ paginationLabel: 'Pages of findings', nextPageLabel: 'Next page', previousPageLabel: 'Previous page', pageLabel: (n) => `Page ${n}` }}
          />
        )
      }
      columnDefinitions={[
        { id: 'severity', header: 'Severity', cell: (finding) => <StatusIndicator type={severityOf(finding).type} wrapText={false}>{severityOf(finding).label}</StatusIndicator>, minWidth: 150 },
        { id: 'kind', header: 'What', cell: ({ kind, detail }) => <><Box variant="strong">{kind}</Box>{detail && <div className="breakable">{visible(detail)}</div>}</>, isRowHeader: true, minWidth: 200 },
        {
          id: 'where',
          header: 'Where',
          minWidth: 220,
          cell: ({ key, from, until, files }) => (
            <SpaceBetween size="xxs">
              {key && (
                <Button variant="inline-link" onClick={() => onOpen(key)} ariaLabel={`Open ${visible(key)}`}>
                  <span className="breakable">{visible(key)}</span>
                </Button>
              )}
              {from && (
                <span>
                  <TimeText time={from} />
                  {until && (
                    <>
                      {' '}
                      to <TimeText time={until} />
                    </>
                  )}
                </span>
              )}
              {files !== undefined && files > 1 && <span>{formatCount(files, 'file')}</span>}
            </SpaceBetween>
          ),
        },
        { id: 'advice', header: 'What to do', 
          minWidth: 300,
          cell: (finding) => (
            <SpaceBetween size="xs">
              {isRepairable(finding) && (
                <>
                  <Button onClick={() => onRedeliver(finding.key)} ariaLabel={`Redeliver ${visible(fileName(finding.key))}`}>
                    Redeliver this file
                  </Button>
                  <CairnCommand text={`trail redeliver ${quote(trail.Name)} --key ${quote(finding.key)}`} />
                </>
              )}
              {finding.key && (
                <AppLink href={searchPath({ 'path.requestParameters.bucketName': literal(finding.bucket || trail.S3BucketName), 'path.requestParameters.key': literal(finding.key), category: 'Data' })}>
                  Events on this file
                </AppLink>
              )}
              <span className="breakable">{finding.advice ? adviceText(finding.advice) : !finding.key && '-'}</span>
            </SpaceBetween>
          ),
        },
      ]}
    />
  );
}

/** An advice as a sentence. The command that it names is there, with the trail and the key in it. */
function adviceText(advice: string): string {
  const text = advice.replace('`cairn trail redeliver NAME --key KEY`', 'Redeliver');
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

function Chains({ result, onOpen }: { result: VerifyResult; onOpen: (key: string) => void }) {
  const chains = result.chains ?? [];
  return (
    <Table
      header={<Header variant="h2" counter={`(${chains.length})`}>Chains</Header>}
      items={chains}
      ariaLabels={{ tableLabel: 'Verified chains' }}
      empty={<Box textAlign="center">No digests were found.</Box>}
      columnDefinitions={[
        { id: 'region', header: 'Region', cell: ({ region }) => region, isRowHeader: true, minWidth: 110 },
        { id: 'account', header: 'Account', cell: ({ accountId }) => accountId, minWidth: 130 },
        { id: 'digests', header: 'Digests proved', cell: (chain) => `${formatNumber(chain.digestsProved)} of ${formatNumber(chain.digests)}`, minWidth: 120 },
        { id: 'files', header: 'Log files proved', cell: (chain) => `${formatNumber(chain.logFilesProved)} of ${formatNumber(chain.logFiles)}`, minWidth: 130 },
        { id: 'from', header: 'From', cell: ({ from }) => <TimeText time={from} />, minWidth: 180 },
        { id: 'until', header: 'To', cell: ({ until }) => <TimeText time={until} />, minWidth: 180 },
        {
          id: 'newest',
          header: 'Newest proved digest',
          minWidth: 340,
          cell: ({ newestDigest }) =>
            newestDigest ? (
              <Button variant="inline-link" onClick={() => onOpen(newestDigest)} ariaLabel={`Open digest ${fileName(newestDigest)}`}>
                <span className="breakable">{fileName(newestDigest)}</span>
              </Button>
            ) : (
              '-'
            ),
        },
      ]}
    />
  );
}
