// A few AWS calls for dev/mock.mjs, in the forms that the console's server gives them.

const trail = (name, region, s3) => ({
  Name: name, S3BucketName: s3, IncludeGlobalServiceEvents: true, IsMultiRegionTrail: true, HomeRegion: region,
  TrailARN: `arn:aws:cloudtrail:${region}:111122223333:trail/${name}`, LogFileValidationEnabled: true, HasCustomEventSelectors: false, HasInsightSelectors: false,
  IsOrganizationTrail: false,
});
const trails = [trail('audit', 'us-east-1', 'logs'), trail('broken', 'eu-west-1', 'gone')];
const buckets = ['logs', 'archive', 'web-assets'];

export function aws(request, answer, url, session, body, { json, refuse }) {
  const [, , service, , ...path] = url.pathname.split('/');
  if (service === 'cloudtrail' || service === 'kms') {
    const operation = request.headers['x-amz-target']?.split('.').pop();
    const input = body ? JSON.parse(body) : {};
    const found = { ...cloudtrail, ...kms }[operation];
    return found ? json(answer, found(input)) : refuse(answer, 400, 'UnknownOperationException', `The mock has no ${service}:${operation}.`);
  }
  if (service === 's3') return s3(request, answer, path.join('/'));
  const form = new URLSearchParams(body);
  const operation = form.get('Action');
  const result = query[operation];
  if (operation.startsWith('Create') && session.identity.userName === 'reader') {
    return refuse(answer, 403, 'AccessDenied', `User: ${session.identity.arn} is not authorized to perform: iam:${operation} because no identity-based policy allows it`);
  }
  if (!result) return refuse(answer, 400, 'InvalidAction', `The mock has no ${service}:${operation}.`);
  json(answer, { [`${operation}Response`]: { [`${operation}Result`]: result(session, form), ResponseMetadata: { RequestId: 'mock' } } });
}

const cloudtrail = {
  DescribeTrails: ({ trailNameList }) => ({ trailList: trails.filter((t) => !trailNameList || trailNameList.includes(t.TrailARN)) }),
  ListTrails: () => ({ Trails: trails.map(({ Name, TrailARN, HomeRegion }) => ({ Name, TrailARN, HomeRegion })) }),
  GetTrail: ({ Name }) => ({ Trail: trails.find((t) => t.Name === Name || t.TrailARN === Name) }),
  GetTrailStatus: () => ({ IsLogging: true, LatestDeliveryTime: Date.now() / 1000 - 180, LatestDigestDeliveryTime: Date.now() / 1000 - 1800 }),
  GetInsightSelectors: () => ({ InsightSelectors: [{ InsightType: 'ApiCallRateInsight' }] }),
  GetEventSelectors: ({ TrailName }) => ({ TrailARN: TrailName, EventSelectors: [{ ReadWriteType: 'All', IncludeManagementEvents: true, DataResources: [], ExcludeManagementEventSources: [] }] }),
  ListTags: ({ ResourceIdList }) => ({ ResourceTagList: (ResourceIdList ?? []).map((ResourceId) => ({ ResourceId, TagsList: [] })) }),
  StartLogging: () => ({}),
  StopLogging: () => ({}),
  CreateTrail: ({ Name }) => ({ TrailARN: `arn:aws:cloudtrail:us-east-1:111122223333:trail/${Name}` }),
};

const kms = {
  ListAliases: () => ({ Aliases: [{ AliasName: 'alias/trails', AliasArn: 'arn:aws:kms:us-east-1:111122223333:alias/trails', TargetKeyId: '0000-1111' }], Truncated: false }),
};

const query = {
  GetCallerIdentity: ({ identity }) => ({ Arn: identity.arn, Account: identity.accountId, UserId: identity.principalId }),
  ListUsers: () => ({ IsTruncated: false, Users: ['alice', 'bob', 'deploy'].map((UserName) => ({
    UserName, UserId: `AIDA${UserName.toUpperCase()}`, Path: '/', Arn: `arn:aws:iam::111122223333:user/${UserName}`, CreateDate: 1_714_557_600 })) }),
  ListAccessKeys: (session, form) => ({ IsTruncated: false, AccessKeyMetadata: form.get('UserName') === 'bob' ? [] : [
    { UserName: form.get('UserName') ?? undefined, AccessKeyId: 'AKIAALICE00000000000', Status: 'Active', CreateDate: 1_714_557_600 },
    { UserName: form.get('UserName') ?? undefined, AccessKeyId: 'AKIAALICE00000000001', Status: 'Inactive', CreateDate: 1_704_557_600 }] }),
  GetAccessKeyLastUsed: () => ({ UserName: 'alice', AccessKeyLastUsed: { LastUsedDate: Math.floor(Date.now() / 1000) - 7000, ServiceName: 'cloudtrail', Region: 'us-east-1' } }),
  CreateAccessKey: (session, form) => ({ AccessKey: { UserName: form.get('UserName') ?? undefined, AccessKeyId: 'AKIANEW0000000000000', SecretAccessKey: 'mockmockmockmockmockmockmockmockmockmock', Status: 'Active', CreateDate: 1_714_557_600 } }),
  CreateUser: (session, form) => ({ User: { UserName: form.get('UserName'), UserId: 'AIDANEW', Path: '/', Arn: `arn:aws:iam::111122223333:user/${form.get('UserName')}`, CreateDate: 1_714_557_600 } }),
  UpdateAccessKey: () => ({}), DeleteAccessKey: () => ({}), DeleteUser: () => ({}), AttachUserPolicy: () => ({}), DetachUserPolicy: () => ({}), RemoveUserFromGroup: () => ({}), DeleteUserPolicy: () => ({}),
  ListAttachedUserPolicies: () => ({ IsTruncated: false, AttachedPolicies: [{ PolicyName: 'AWSCloudTrail_ReadOnlyAccess', PolicyArn: 'arn:aws:iam::aws:policy/AWSCloudTrail_ReadOnlyAccess' }] }),
  ListUserPolicies: () => ({ IsTruncated: false, PolicyNames: ['send'] }),
  ListGroupsForUser: () => ({ IsTruncated: false, Groups: [{ GroupName: 'auditors', Path: '/', Arn: 'arn:aws:iam::111122223333:group/auditors', CreateDate: 1_714_557_600 }] }),
  ListGroups: () => ({ IsTruncated: false, Groups: [{ GroupName: 'auditors', Path: '/', Arn: 'arn:aws:iam::111122223333:group/auditors', CreateDate: 1_714_557_600 }] }),
  ListRoles: () => ({ IsTruncated: false, Roles: [{ RoleName: 'delivery', Path: '/', Arn: 'arn:aws:iam::111122223333:role/delivery', Description: 'Writes <b>log files</b>', CreateDate: 1_714_557_600 }] }),
  ListPolicies: (session, form) => ({ IsTruncated: false, Policies: form.get('Scope') === 'Local'
    ? [{ PolicyName: 'send-events', Path: '/', Arn: 'arn:aws:iam::111122223333:policy/send-events', DefaultVersionId: 'v2', AttachmentCount: 1, UpdateDate: 1_714_557_600 }]
    : ['AdministratorAccess', 'AWSCloudTrail_FullAccess', 'AWSCloudTrail_ReadOnlyAccess'].map((PolicyName) => ({ PolicyName, Path: '/', Arn: `arn:aws:iam::aws:policy/${PolicyName}`, DefaultVersionId: 'v1', UpdateDate: 1_714_557_600 })) }),
  ListTopics: () => ({ Topics: [{ TopicArn: 'arn:aws:sns:us-east-1:111122223333:trails' }] }),
};

function s3(request, answer, path) {
  answer.setHeader('Content-Type', 'application/xml');
  if (!path) {
    answer.end(`<?xml version="1.0" encoding="UTF-8"?>\n<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>1</ID></Owner><Buckets>${buckets
      .map((name) => `<Bucket><Name>${name}</Name><CreationDate>2024-05-01T10:00:00.000Z</CreationDate></Bucket>`)
      .join('')}</Buckets></ListAllMyBucketsResult>`);
    return;
  }
  const [bucket] = path.split('/');
  if (!buckets.includes(bucket)) {
    answer.statusCode = 404;
    answer.end('<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><RequestId>mock</RequestId></Error>');
    return;
  }
  answer.end('<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>logs</Name><Prefix/><Delimiter>/</Delimiter><IsTruncated>false</IsTruncated>' +
    '<KeyCount>2</KeyCount><Contents><Key>a &amp; b&lt;i&gt;.json</Key><LastModified>2024-05-01T10:00:00.000Z</LastModified><ETag>&quot;ab&quot;</ETag><Size>1204</Size></Contents>' +
    '<CommonPrefixes><Prefix>AWSLogs/</Prefix></CommonPrefixes></ListBucketResult>');
}
