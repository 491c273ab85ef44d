import { callJSON } from './aws';
import type { CallInit } from './http';

// The operations of CloudTrail that are about trails. Names and members are AWS's; times are seconds since 1970.

export interface Trail {
  Name: string;
  TrailARN: string;
  HomeRegion: string;
  S3BucketName: string;
  S3KeyPrefix?: string;
  SnsTopicARN?: string;
  KmsKeyId?: string;
  IncludeGlobalServiceEvents?: boolean;
  IsMultiRegionTrail?: boolean;
  LogFileValidationEnabled?: boolean;
  HasCustomEventSelectors?: boolean;
  HasInsightSelectors?: boolean;
  IsOrganizationTrail?: boolean;
}

export interface TrailStatus {
  IsLogging?: boolean;
  LatestDeliveryError?: string;
  LatestDeliveryTime?: number;
  LatestDeliveryAttemptTime?: string;
  LatestDeliveryAttemptSucceeded?: string;
  LatestNotificationError?: string;
  LatestNotificationTime?: number;
  LatestNotificationAttemptTime?: string;
  LatestNotificationAttemptSucceeded?: string;
  LatestDigestDeliveryError?: string;
  LatestDigestDeliveryTime?: number;
  StartLoggingTime?: number;
  StopLoggingTime?: number;
  TimeLoggingStarted?: string;
  TimeLoggingStopped?: string;
}

export interface TrailSettings {
  Name: string;
  S3BucketName?: string;
  S3KeyPrefix?: string;
  SnsTopicName?: string;
  KmsKeyId?: string;
  IsMultiRegionTrail?: boolean;
  IncludeGlobalServiceEvents?: boolean;
  EnableLogFileValidation?: boolean;
  TagsList?: Tag[];
}

export interface Tag {
  Key: string;
  Value?: string;
}

export interface DataResource {
  Type: string;
  Values?: string[];
}

export interface EventSelector {
  ReadWriteType?: string;
  IncludeManagementEvents?: boolean;
  DataResources?: DataResource[];
  ExcludeManagementEventSources?: string[];
}

export const operators = ['Equals', 'NotEquals', 'StartsWith', 'NotStartsWith', 'EndsWith', 'NotEndsWith'] as const;
export type Operator = (typeof operators)[number];

export type FieldSelector = { Field: string } & { [operator in Operator]?: string[] };

export interface AdvancedEventSelector {
  Name?: string;
  FieldSelectors: FieldSelector[];
}

/** Selectors of one kind: the other member is missing or empty. */
export interface Selectors {
  EventSelectors?: EventSelector[];
  AdvancedEventSelectors?: AdvancedEventSelector[];
}

export interface InsightSelector {
  InsightType: string;
  EventCategories?: string[];
}

const call = <Output>(region: string, operation: string, input: object, init?: CallInit) => callJSON<Output>('cloudtrail', region, operation, input, init);

/** The trails of all regions, each as its home region describes it. */
export async function listAllTrails(region: string, init?: CallInit): Promise<Trail[]> {
  const { Trails } = await call<{ Trails?: { HomeRegion: string; TrailARN: string }[] }>(region, 'ListTrails', {}, init);
  const byRegion = new Map<string, string[]>();
  for (const { HomeRegion, TrailARN } of Trails ?? []) byRegion.set(HomeRegion, [...(byRegion.get(HomeRegion) ?? []), TrailARN]);
  const lists = await Promise.all(
    [...byRegion].map(([home, trailNameList]) => call<{ trailList?: Trail[] }>(home, 'DescribeTrails', { trailNameList, includeShadowTrails: false }, init)),
  );
  return lists.flatMap((list) => list.trailList ?? []);
}

export async function getTrail(region: string, Name: string, init?: CallInit): Promise<Trail> {
  return (await call<{ Trail: Trail }>(region, 'GetTrail', { Name }, init)).Trail;
}

export const getTrailStatus = (region: string, Name: string, init?: CallInit) => call<TrailStatus>(region, 'GetTrailStatus', { Name }, init);
export const getEventSelectors = (region: string, TrailName: string, init?: CallInit) => call<Selectors>(region, 'GetEventSelectors', { TrailName }, init);

export async function getInsightSelectors(region: string, trail: Trail, init?: CallInit): Promise<InsightSelector[]> {
  if (!trail.HasInsightSelectors) return []; // CloudTrail refuses to answer
  return (await call<{ InsightSelectors?: InsightSelector[] }>(region, 'GetInsightSelectors', { TrailName: trail.TrailARN }, init)).InsightSelectors ?? [];
}

export async function listTags(region: string, trailArn: string, init?: CallInit): Promise<Tag[]> {
  const { ResourceTagList } = await call<{ ResourceTagList?: { TagsList?: Tag[] }[] }>(region, 'ListTags', { ResourceIdList: [trailArn] }, init);
  return ResourceTagList?.[0]?.TagsList ?? [];
}

export const createTrail = (region: string, settings: TrailSettings, init?: CallInit) => call<{ TrailARN: string }>(region, 'CreateTrail', settings, init);
export const updateTrail = (region: string, settings: TrailSettings, init?: CallInit) => call<{ TrailARN: string }>(region, 'UpdateTrail', settings, init);
export const deleteTrail = (region: string, Name: string) => call<object>(region, 'DeleteTrail', { Name });
export const startLogging = (region: string, Name: string) => call<object>(region, 'StartLogging', { Name });
export const stopLogging = (region: string, Name: string) => call<object>(region, 'StopLogging', { Name });
export const putEventSelectors = (region: string, TrailName: string, selectors: Selectors) => call<Selectors>(region, 'PutEventSelectors', { TrailName, ...selectors });
export const putInsightSelectors = (region: string, TrailName: string, InsightSelectors: InsightSelector[]) =>
  call<object>(region, 'PutInsightSelectors', { TrailName, InsightSelectors });
export const addTags = (region: string, ResourceId: string, TagsList: Tag[]) => call<object>(region, 'AddTags', { ResourceId, TagsList });
export const removeTags = (region: string, ResourceId: string, TagsList: Tag[]) => call<object>(region, 'RemoveTags', { ResourceId, TagsList });
