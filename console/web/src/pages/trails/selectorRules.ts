import type { Operator } from '@/api/cloudtrail';
import { operators } from '@/api/cloudtrail';

// What the selectors of a trail may ask for, as the server checks it.

export type Category = 'Management' | 'Data' | 'NetworkActivity';

export interface FieldRule {
  operators: readonly Operator[];
  required?: boolean;
  /** Takes exactly one value. */
  single?: boolean;
  /** The only values that it takes. */
  values?: readonly string[];
}

const booleans = ['true', 'false'];
const equals: readonly Operator[] = ['Equals'];

/** The fields of each category, but for eventCategory itself. */
export const fieldRules: Record<Category, Record<string, FieldRule>> = {
  Management: {
    readOnly: { operators: equals, single: true, values: booleans },
    eventSource: { operators: ['NotEquals'], values: ['kms.amazonaws.com', 'rdsdata.amazonaws.com'] },
  },
  Data: {
    'resources.type': { operators: equals, required: true, single: true },
    readOnly: { operators: equals, single: true, values: booleans },
    eventSource: { operators },
    eventName: { operators },
    eventType: { operators },
    'resources.ARN': { operators },
    'userIdentity.arn': { operators },
    sessionCredentialFromConsole: { operators: ['Equals', 'NotEquals'], values: booleans },
  },
  NetworkActivity: {
    eventSource: { operators: equals, required: true },
    eventName: { operators },
    errorCode: { operators: equals, values: ['VpceAccessDenied'] },
    vpcEndpointId: { operators },
    'userIdentity.arn': { operators },
  },
};

export const limits = { basicValues: 250, advancedValues: 500, name: 1000, value: 2048 } as const;

/** Types of resources that have data events, for suggestions. Others can be typed. */
export const resourceTypes = [
  'AWS::S3::Object',
  'AWS::Lambda::Function',
  'AWS::DynamoDB::Table',
  'AWS::DynamoDB::Stream',
  'AWS::S3::AccessPoint',
  'AWS::S3ObjectLambda::AccessPoint',
  'AWS::S3Express::Object',
  'AWS::SNS::Topic',
  'AWS::SNS::PlatformEndpoint',
  'AWS::SQS::Queue',
  'AWS::Kinesis::Stream',
  'AWS::KinesisVideo::Stream',
  'AWS::SSM::ManagedNode',
  'AWS::SSMMessages::ControlChannel',
  'AWS::CloudWatch::Metric',
  'AWS::Cognito::IdentityPool',
  'AWS::EC2::Snapshot',
  'AWS::Glue::Table',
  'AWS::RDS::DBCluster',
  'AWS::SageMaker::Endpoint',
  'AWS::StepFunctions::StateMachine',
  'AWS::Bedrock::AgentAlias',
  'AWS::Bedrock::KnowledgeBase',
  'AWS::Bedrock::Model',
  'AWS::CloudTrail::Channel',
];

/** What basic selectors can name: how all resources of a type are written, and what one of them looks like. */
export const basicTypes: Record<string, { label: string; all: string; example: string; value: RegExp }> = {
  'AWS::S3::Object': { label: 'S3 objects', all: 'arn:aws:s3', example: 'arn:aws:s3:::bucket/prefix', value: /^arn:aws(-[a-z-]+)?:s3:::[^/:*]+\/.*$/ },
  'AWS::Lambda::Function': {
    label: 'Lambda functions',
    all: 'arn:aws:lambda',
    example: 'arn:aws:lambda:us-east-1:111122223333:function:name',
    value: /^arn:aws(-[a-z-]+)?:lambda:[a-z0-9-]+:\d{12}:function:[^*]+$/,
  },
  'AWS::DynamoDB::Table': {
    label: 'DynamoDB tables',
    all: 'arn:aws:dynamodb',
    example: 'arn:aws:dynamodb:us-east-1:111122223333:table/name',
    value: /^arn:aws(-[a-z-]+)?:dynamodb:[a-z0-9-]+:\d{12}:table\/[^*]+$/,
  },
};

/** Whether a value of a basic selector stands for all resources of its type. */
export function standsForAll(type: string, value: string): boolean {
  const service = basicTypes[type]?.all.split(':')[2];
  if (!service) return false;
  const rest = /^arn:aws(?:-[^:]+)?:(.*)$/.exec(value)?.[1];
  return rest === service || (service === 's3' && rest === 's3:::');
}
