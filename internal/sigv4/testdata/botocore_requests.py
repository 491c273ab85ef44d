"""Writes requests that botocore signed, as JSON lines: what its clients send to
an endpoint, and what its signers make of odd requests."""
import json
import sys

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.session import Session

KEY, SECRET, TOKEN = sys.argv[1:4]
HOST = "127.0.0.1:4510"


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def write(name, method, url, headers, body):
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    print(json.dumps({
        "name": name, "method": method, "url": url, "body": (body or b"").hex(),
        "headers": [[k, text(v)] for k, v in headers.items()],
    }))


def client(service, token, **config):
    session = Session()
    session.set_credentials(KEY, SECRET, token)
    made = session.create_client(
        service, region_name="us-east-1", endpoint_url="http://" + HOST, config=Config(retries={"max_attempts": 0}, **config))

    def before_send(request, **_):
        write(service, request.method, request.url, request.headers, request.body)
        return AWSResponse(request.url, 500, {}, None)

    made.meta.events.register_first("before-send.*.*", before_send)
    return made


def call(operation, **parameters):
    try:
        operation(**parameters)
    except Exception:  # the answer is always a failure
        pass


for token in (None, TOKEN):
    trail = client("cloudtrail", token)
    call(trail.lookup_events, MaxResults=5)
    call(trail.lookup_events, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "Stöp Logging"}])
    call(trail.describe_trails)
    sts = client("sts", token)
    call(sts.get_caller_identity)
    call(sts.assume_role, RoleArn="arn:aws:iam::123456789012:role/a+b c", RoleSessionName="s=é")
    iam = client("iam", token)
    call(iam.create_user, UserName="Kit-user", Path="/a/b/")
    call(client("logs", token).describe_log_groups)
    call(client("cloudwatch", token).list_metrics)
    call(client("lambda", token).list_functions, MaxItems=3, Marker="a/b =")
    call(client("lambda", token).get_function, FunctionName="arn:aws:lambda:us-east-1:123456789012:function:f")
    s3 = client("s3", token, signature_version="s3v4", s3={"addressing_style": "path"})
    call(s3.list_buckets)
    call(s3.list_objects_v2, Bucket="bucket", Prefix="a b/é+", Delimiter="/")
    for key in ("plain", "a b+c/é~(1)'!.txt", "x//y/../z", "=&?#%41"):
        call(s3.get_object, Bucket="bucket", Key=key)
        call(s3.put_object, Bucket="bucket", Key=key, Body=b"content", Metadata={"colour": "dark   red"})
        url = s3.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": key}, ExpiresIn=60)
        write("presigned s3", "GET", url, {}, b"")
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60)
    write("presigned sts", "POST", url, {}, b"")

    credentials = Credentials(KEY, SECRET, token)
    for path in ("/", "//a//b", "/a/./b/../c/", "/%E1%88%B4/a%20b", "/a%2Fb"):
        for query in ("", "?b=2&a=1&a=%2F&c", "?x%20y=%C3%A9"):
            for signer in (SigV4Auth(credentials, "execute-api", "us-east-1"), S3SigV4Auth(credentials, "s3", "us-east-1"),
                           SigV4QueryAuth(credentials, "execute-api", "us-east-1", 60), S3SigV4QueryAuth(credentials, "s3", "us-east-1", 60)):
                request = AWSRequest("POST", "http://" + HOST + path + query, data=b"body", headers={"My-Header": "  a   b "})
                if isinstance(signer, SigV4QueryAuth):
                    request.method, request.data = "GET", b""
                signer.add_auth(request)
                prepared = request.prepare()
                write(type(signer).__name__, prepared.method, prepared.url, prepared.headers, prepared.body)
