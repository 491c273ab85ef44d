"""A day's work of an AWS client, through one endpoint.

usage: gateway_day.py ENDPOINT [CA-FILE [PART...]]

Calls an emulator of AWS at ENDPOINT and prints, for each call, a line of JSON:
what was called, the error code that came back, the request's ID, and what
CloudTrail would write of it (`want`: fields of the record, of objects the
members that are named). PARTs are the names of functions below; all by default.
"""

import io
import json
import sys
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint = sys.argv[1]
ca = sys.argv[2] if len(sys.argv) > 2 and sys.argv[2] else None
config = Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=60, s3={"addressing_style": "path"})
clients = {}
made = {}  # what one part makes and another needs


def client(service):
    if service not in clients:
        clients[service] = boto3.client(service, endpoint_url=endpoint, region_name="us-east-1", verify=ca, config=config)
    return clients[service]


def call(service, method, source, name, read_only, request=None, response=None, data=False, resources=(), calls=None, **parameters):
    """Makes one call and tells what its record must be."""
    error, answer = None, {}
    try:
        answer = getattr(client(service), method)(**parameters)
        metadata = answer["ResponseMetadata"]
        body = answer.get("Body") or answer.get("Payload")
        if hasattr(body, "read"):
            answer["content"] = body.read()
    except ClientError as e:
        error, metadata = e.response["Error"]["Code"], e.response["ResponseMetadata"]
    want = {"eventSource": source + ".amazonaws.com", "eventName": name, "readOnly": read_only,
            "eventCategory": "Data" if data else "Management", "managementEvent": not data}
    print(json.dumps({
        "service": service, "method": method, "error": error, "requestId": metadata.get("RequestId"), "want": want,
        "request": request, "response": response, "resources": list(resources),
    }))
    sys.stdout.flush()
    return answer


def ec2():
    """EC2."""
    image = client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    print(json.dumps({"service": "ec2", "method": "describe_images", "error": None, "requestId": None, "request": None, "response": None, "resources": [], "want": {
        "eventSource": "ec2.amazonaws.com", "eventName": "DescribeImages", "readOnly": True, "eventCategory": "Management", "managementEvent": True}}))
    run = call("ec2", "run_instances", "ec2", "RunInstances", False,
               {"instancesSet": {"items": [{"imageId": image, "minCount": 1, "maxCount": 1}]}, "instanceType": "t3.micro"}, {"instancesSet": {"items": [{"imageId": image}]}},
               ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1)
    instance = run["Instances"][0]["InstanceId"]
    call("ec2", "describe_instances", "ec2", "DescribeInstances", True, {"instancesSet": {"items": [{"instanceId": instance}]}}, InstanceIds=[instance])
    call("ec2", "stop_instances", "ec2", "StopInstances", False, {"instancesSet": {"items": [{"instanceId": instance}]}, "force": False},
         {"instancesSet": {"items": [{"instanceId": instance}]}}, InstanceIds=[instance], Force=False)
    call("ec2", "start_instances", "ec2", "StartInstances", False, {"instancesSet": {"items": [{"instanceId": instance}]}}, InstanceIds=[instance])
    call("ec2", "create_tags", "ec2", "CreateTags", False, {"resourcesSet": {"items": [{"resourceId": instance}]}, "tagSet": {"items": [{"key": "team", "value": "a"}]}},
         Resources=[instance], Tags=[{"Key": "team", "Value": "a"}])
    vpc = call("ec2", "create_vpc", "ec2", "CreateVpc", False, {"cidrBlock": "10.9.0.0/16"}, {"vpc": {"cidrBlock": "10.9.0.0/16"}}, CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = call("ec2", "create_subnet", "ec2", "CreateSubnet", False, {"vpcId": vpc, "cidrBlock": "10.9.1.0/24"}, VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    call("ec2", "delete_subnet", "ec2", "DeleteSubnet", False, {"subnetId": subnet}, SubnetId=subnet)
    call("ec2", "delete_vpc", "ec2", "DeleteVpc", False, {"vpcId": vpc}, VpcId=vpc)
    call("ec2", "terminate_instances", "ec2", "TerminateInstances", False, {"instancesSet": {"items": [{"instanceId": instance}]}}, InstanceIds=[instance])
    call("ec2", "describe_instances", "ec2", "DescribeInstances", True, {"instancesSet": {"items": [{"instanceId": "i-0123456789abcdef0"}]}}, InstanceIds=["i-0123456789abcdef0"])


def identities():
    """IAM and STS."""
    call("iam", "create_user", "iam", "CreateUser", False, {"userName": "ada", "path": "/staff/"}, {"user": {"userName": "ada", "path": "/staff/"}}, UserName="ada", Path="/staff/")
    call("iam", "create_user", "iam", "CreateUser", False, {"userName": "ada"}, UserName="ada")
    made["key"] = call("iam", "create_access_key", "iam", "CreateAccessKey", False, {"userName": "ada"}, {"accessKey": {"userName": "ada", "status": "Active"}}, UserName="ada")["AccessKey"]
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    role = made["role"] = call("iam", "create_role", "iam", "CreateRole", False, {"roleName": "worker", "assumeRolePolicyDocument": trust}, {"role": {"roleName": "worker"}},
                RoleName="worker", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    call("iam", "put_role_policy", "iam", "PutRolePolicy", False, {"roleName": "worker", "policyName": "p"}, RoleName="worker", PolicyName="p",
         PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
    call("iam", "get_role", "iam", "GetRole", True, {"roleName": "worker"}, RoleName="worker")
    call("iam", "list_users", "iam", "ListUsers", True)
    call("iam", "get_user", "iam", "GetUser", True, {"userName": "nobody"}, UserName="nobody")
    call("iam", "update_user", "iam", "UpdateUser", False, {"userName": "ada", "newUserName": "grace"}, UserName="ada", NewUserName="grace")
    call("sts", "get_caller_identity", "sts", "GetCallerIdentity", True)
    made["session"] = call("sts", "assume_role", "sts", "AssumeRole", True, {"roleArn": role, "roleSessionName": "night"}, {"assumedRoleUser": {"arn": "arn:aws:sts::123456789012:assumed-role/worker/night"}},
                   RoleArn=role, RoleSessionName="night")["Credentials"]


def s3():
    """S3."""
    call("s3", "create_bucket", "s3", "CreateBucket", False, {"bucketName": "day"}, Bucket="day")
    call("s3", "put_bucket_tagging", "s3", "PutBucketTagging", False, {"bucketName": "day"}, Bucket="day", Tagging={"TagSet": [{"Key": "team", "Value": "a"}]})
    call("s3", "put_object", "s3", "PutObject", False, {"bucketName": "day", "key": "a b/ü.txt"}, data=True, Bucket="day", Key="a b/ü.txt", Body=b"hello", Metadata={"owner": "ada"},
         resources=["arn:aws:s3:::day/a b/ü.txt", "arn:aws:s3:::day"])
    got = call("s3", "get_object", "s3", "GetObject", True, {"bucketName": "day", "key": "a b/ü.txt"}, data=True, Bucket="day", Key="a b/ü.txt",
               resources=["arn:aws:s3:::day/a b/ü.txt", "arn:aws:s3:::day"])
    assert got["content"] == b"hello" and got["Metadata"] == {"owner": "ada"}, got
    call("s3", "head_object", "s3", "HeadObject", True, {"bucketName": "day", "key": "missing"}, data=True, Bucket="day", Key="missing")
    call("s3", "list_objects_v2", "s3", "ListObjects", True, {"bucketName": "day", "list-type": "2"}, data=True, Bucket="day")
    upload = call("s3", "create_multipart_upload", "s3", "CreateMultipartUpload", False, {"bucketName": "day", "key": "big"}, data=True, Bucket="day", Key="big")["UploadId"]
    part = b"x" * (5 << 20)
    parts = []
    for number in (1, 2):
        answer = call("s3", "upload_part", "s3", "UploadPart", False, {"bucketName": "day", "key": "big", "partNumber": str(number), "uploadId": upload}, data=True,
                      Bucket="day", Key="big", UploadId=upload, PartNumber=number, Body=part)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    call("s3", "complete_multipart_upload", "s3", "CompleteMultipartUpload", False, {"bucketName": "day", "key": "big", "uploadId": upload}, data=True,
         Bucket="day", Key="big", UploadId=upload, MultipartUpload={"Parts": parts})
    big = call("s3", "get_object", "s3", "GetObject", True, {"bucketName": "day", "key": "big"}, data=True, Bucket="day", Key="big")
    assert big["content"] == part * 2
    call("s3", "copy_object", "s3", "CopyObject", False, {"bucketName": "day", "key": "copy", "x-amz-copy-source": "day/big"}, data=True, Bucket="day", Key="copy", CopySource="day/big")
    call("s3", "delete_objects", "s3", "DeleteObjects", False, {"bucketName": "day"}, data=True, Bucket="day", Delete={"Objects": [{"Key": "big"}, {"Key": "copy"}, {"Key": "a b/ü.txt"}]})
    call("s3", "get_bucket_acl", "s3", "GetBucketAcl", True, {"bucketName": "day"}, Bucket="day")
    call("s3", "delete_bucket", "s3", "DeleteBucket", False, {"bucketName": "day"}, Bucket="day")


def dynamodb():
    """DynamoDB."""
    call("dynamodb", "create_table", "dynamodb", "CreateTable", False, {"tableName": "orders", "billingMode": "PAY_PER_REQUEST"}, {"tableDescription": {"tableName": "orders"}},
         TableName="orders", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
         AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    call("dynamodb", "put_item", "dynamodb", "PutItem", False, {"tableName": "orders"}, data=True, TableName="orders", Item={"id": {"S": "1"}, "n": {"N": "3"}})
    call("dynamodb", "get_item", "dynamodb", "GetItem", True, {"tableName": "orders"}, data=True, TableName="orders", Key={"id": {"S": "1"}})
    call("dynamodb", "describe_table", "dynamodb", "DescribeTable", True, {"tableName": "missing"}, TableName="missing")
    call("dynamodb", "delete_table", "dynamodb", "DeleteTable", False, {"tableName": "orders"}, TableName="orders")


def functions():
    """Lambda."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("f.py", "def handler(event, context): return event")
    call("lambda", "create_function", "lambda", "CreateFunction20150331", False, {"functionName": "f", "runtime": "python3.12", "handler": "f.handler"}, {"functionName": "f"},
         FunctionName="f", Runtime="python3.12", Role=made["role"], Handler="f.handler", Code={"ZipFile": archive.getvalue()})
    call("lambda", "get_function", "lambda", "GetFunction20150331v2", True, {"functionName": "f"}, FunctionName="f")
    call("lambda", "list_functions", "lambda", "ListFunctions20150331", True)
    call("lambda", "delete_function", "lambda", "DeleteFunction20150331", False, {"functionName": "f"}, FunctionName="f")


def messages():
    """SQS and SNS."""
    queue = call("sqs", "create_queue", "sqs", "CreateQueue", False, {"queueName": "jobs"}, QueueName="jobs")["QueueUrl"]
    call("sqs", "send_message", "sqs", "SendMessage", False, {"queueUrl": queue}, data=True, QueueUrl=queue, MessageBody="private words")
    call("sqs", "receive_message", "sqs", "ReceiveMessage", True, {"queueUrl": queue}, data=True, QueueUrl=queue)
    call("sqs", "delete_queue", "sqs", "DeleteQueue", False, {"queueUrl": queue}, QueueUrl=queue)
    topic = call("sns", "create_topic", "sns", "CreateTopic", False, {"name": "alerts"}, Name="alerts")["TopicArn"]
    call("sns", "publish", "sns", "Publish", False, {"topicArn": topic}, data=True, TopicArn=topic, Message="private words")
    call("sns", "delete_topic", "sns", "DeleteTopic", False, {"topicArn": topic}, TopicArn=topic)


def secrets():
    """KMS, Secrets Manager, SSM."""
    kms = call("kms", "create_key", "kms", "CreateKey", False, {"description": "day"}, Description="day")["KeyMetadata"]
    call("kms", "create_alias", "kms", "CreateAlias", False, {"aliasName": "alias/day", "targetKeyId": kms["KeyId"]}, AliasName="alias/day", TargetKeyId=kms["KeyId"])
    sealed = call("kms", "encrypt", "kms", "Encrypt", True, {"keyId": kms["KeyId"]}, KeyId=kms["KeyId"], Plaintext=b"private words")["CiphertextBlob"]
    call("kms", "decrypt", "kms", "Decrypt", True, {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}, CiphertextBlob=sealed, EncryptionAlgorithm="SYMMETRIC_DEFAULT")
    call("kms", "generate_data_key", "kms", "GenerateDataKey", True, {"keyId": kms["KeyId"], "keySpec": "AES_256"}, KeyId=kms["KeyId"], KeySpec="AES_256")
    call("secretsmanager", "create_secret", "secretsmanager", "CreateSecret", False, {"name": "db"}, Name="db", SecretString="private words")
    call("secretsmanager", "get_secret_value", "secretsmanager", "GetSecretValue", True, {"secretId": "db"}, SecretId="db")
    call("secretsmanager", "delete_secret", "secretsmanager", "DeleteSecret", False, {"secretId": "db", "forceDeleteWithoutRecovery": True}, SecretId="db", ForceDeleteWithoutRecovery=True)
    call("ssm", "put_parameter", "ssm", "PutParameter", False, {"name": "/day", "type": "SecureString"}, Name="/day", Value="private words", Type="SecureString")
    call("ssm", "get_parameter", "ssm", "GetParameter", True, {"name": "/day", "withDecryption": True}, Name="/day", WithDecryption=True)
    call("ssm", "delete_parameter", "ssm", "DeleteParameter", False, {"name": "/day"}, Name="/day")


def others():
    """RDS, Route 53, CloudFront."""
    call("rds", "create_db_instance", "rds", "CreateDBInstance", False, {"dBInstanceIdentifier": "db1", "dBInstanceClass": "db.t3.micro", "engine": "postgres"}, {"dBInstanceIdentifier": "db1"},
         DBInstanceIdentifier="db1", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20, MasterUsername="admin1", MasterUserPassword="private words")
    call("rds", "describe_db_instances", "rds", "DescribeDBInstances", True, {"dBInstanceIdentifier": "db1"}, DBInstanceIdentifier="db1")
    call("rds", "delete_db_instance", "rds", "DeleteDBInstance", False, {"dBInstanceIdentifier": "db1", "skipFinalSnapshot": True}, DBInstanceIdentifier="db1", SkipFinalSnapshot=True)
    zone = call("route53", "create_hosted_zone", "route53", "CreateHostedZone", False, {"name": "example.com.", "callerReference": "1"}, {"hostedZone": {"name": "example.com."}},
                Name="example.com.", CallerReference="1")["HostedZone"]["Id"].split("/")[-1]
    call("route53", "change_resource_record_sets", "route53", "ChangeResourceRecordSets", False, {"hostedZoneId": zone}, HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {
        "Name": "www.example.com.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}}]})
    call("route53", "list_hosted_zones", "route53", "ListHostedZones", True)
    call("cloudfront", "list_distributions", "cloudfront", "ListDistributions", True)
    call("cloudfront", "get_distribution", "cloudfront", "GetDistribution", True, {"id": "EDFDVBD6EXAMPLE"}, Id="EDFDVBD6EXAMPLE")


def somebody_else():
    """Somebody else: the user's new key, and the role's session."""
    for keys in (made["key"], made["session"]):
        clients["sts"] = boto3.client("sts", endpoint_url=endpoint, region_name="us-east-1", verify=ca, config=config,
                                      aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
                                      aws_session_token=keys.get("SessionToken"))
        call("sts", "get_caller_identity", "sts", "GetCallerIdentity", True)


for part in sys.argv[3:] or ("ec2", "identities", "s3", "dynamodb", "functions", "messages", "secrets", "others", "somebody_else"):
    globals()[part]()
