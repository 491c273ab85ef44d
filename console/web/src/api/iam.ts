import { allPages, callQuery } from './aws';
import type { CallInit } from './http';

// Identities, as far as the settings show them. IAM is one for all regions: its calls go to us-east-1, as with AWS. Times are seconds
// since 1970.

const region = 'us-east-1';

export interface User {
  UserName: string;
  UserId: string;
  Path: string;
  Arn: string;
  CreateDate: number;
}

export interface AccessKeyMetadata {
  UserName?: string;
  AccessKeyId: string;
  Status: 'Active' | 'Inactive' | 'Expired';
  CreateDate: number;
}

export interface AccessKeyUse {
  LastUsedDate?: number;
  ServiceName?: string;
  Region?: string;
}

export interface Role {
  RoleName: string;
  Path: string;
  Arn: string;
  Description?: string;
  CreateDate: number;
  RoleLastUsed?: { LastUsedDate?: number };
}

export interface Policy {
  PolicyName: string;
  Path: string;
  Arn: string;
  Description?: string;
  AttachmentCount?: number;
  DefaultVersionId: string;
  UpdateDate: number;
}

export interface Group {
  GroupName: string;
  Path: string;
  Arn: string;
  CreateDate: number;
}

type Page = { IsTruncated?: boolean; Marker?: string };

function list<Item>(operation: string, member: string, input: object, init?: CallInit): Promise<Item[]> {
  return allPages<Page & Record<string, unknown>, Item>(
    (more) => callQuery(`iam`, region, operation, { ...input, ...more }, init),
    (answer) => answer[member] as Item[] | null | undefined,
    (answer) => (answer.IsTruncated && answer.Marker ? { Marker: answer.Marker } : undefined),
  );
}

const call = <Output = unknown>(operation: string, input: object, init?: CallInit) => callQuery<Output>('iam', region, operation, input, init);

export const listUsers = (init?: CallInit) => list<User>('ListUsers', 'Users', { MaxItems: 1000 }, init);
export const listRoles = (init?: CallInit) => list<Role>('ListRoles', 'Roles', { MaxItems: 1000 }, init);
export const listGroups = (init?: CallInit) => list<Group>('ListGroups', 'Groups', { MaxItems: 1000 }, init);
/** The account's own policies, or AWS's too. */
export const listPolicies = (scope: 'Local' | 'All', init?: CallInit) => list<Policy>('ListPolicies', 'Policies', { Scope: scope, MaxItems: 1000 }, init);

/** The access keys of a user, or of the root user. */
export const listAccessKeys = (userName: string | undefined, init?: CallInit) =>
  list<AccessKeyMetadata>('ListAccessKeys', 'AccessKeyMetadata', { UserName: userName }, init);
export const accessKeyUse = async (id: string, init?: CallInit) =>
  (await call<{ AccessKeyLastUsed?: AccessKeyUse }>('GetAccessKeyLastUsed', { AccessKeyId: id }, init)).AccessKeyLastUsed ?? {};

export interface NewAccessKey {
  AccessKeyId: string;
  SecretAccessKey: string;
}

export const createAccessKey = async (userName: string | undefined) => (await call<{ AccessKey: NewAccessKey }>('CreateAccessKey', { UserName: userName })).AccessKey;
export const setAccessKeyStatus = (userName: string | undefined, id: string, status: 'Active' | 'Inactive') =>
  call('UpdateAccessKey', { UserName: userName, AccessKeyId: id, Status: status });
export const deleteAccessKey = (userName: string | undefined, id: string) => call('DeleteAccessKey', { UserName: userName, AccessKeyId: id });

export const createUser = async (userName: string) => (await call<{ User: User }>('CreateUser', { UserName: userName })).User;
export const attachUserPolicy = (userName: string, arn: string) => call('AttachUserPolicy', { UserName: userName, PolicyArn: arn });

/** What a user has, all of which must go before the user can. */
export interface UserBelongings {
  keys: AccessKeyMetadata[];
  attached: { PolicyName: string; PolicyArn: string }[];
  inline: string[];
  groups: Group[];
}

export async function userBelongings(userName: string, init?: CallInit): Promise<UserBelongings> {
  const [keys, attached, inline, groups] = await Promise.all([
    listAccessKeys(userName, init),
    list<{ PolicyName: string; PolicyArn: string }>('ListAttachedUserPolicies', 'AttachedPolicies', { UserName: userName }, init),
    list<string>('ListUserPolicies', 'PolicyNames', { UserName: userName }, init),
    list<Group>('ListGroupsForUser', 'Groups', { UserName: userName }, init),
  ]);
  return { keys, attached, inline, groups };
}

/** Deletes a user with all that it has. What was done stays done if a step is refused. */
export async function deleteUser(userName: string): Promise<void> {
  const has = await userBelongings(userName);
  for (const key of has.keys) await deleteAccessKey(userName, key.AccessKeyId);
  for (const policy of has.attached) await call('DetachUserPolicy', { UserName: userName, PolicyArn: policy.PolicyArn });
  for (const name of has.inline) await call('DeleteUserPolicy', { UserName: userName, PolicyName: name });
  for (const group of has.groups) await call('RemoveUserFromGroup', { UserName: userName, GroupName: group.GroupName });
  await call('DeleteUser', { UserName: userName });
}

/** A time of IAM. */
export const timeOf = (seconds: number | undefined) => (seconds ? new Date(seconds * 1000) : undefined);
