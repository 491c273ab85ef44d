"""Writes exchanges of AWS services, one JSON object a line, for the tests of the decoder.

Usage: exchanges.py [plant|replay] [SERVICE[.OPERATION] ...]; without services all of them.

With plant, only what is sensitive in the model is filled, and with a marker. With replay,
the inputs and outputs are those of the rows on the standard input.

Requests are what botocore's serialisers make of an input with every member filled.
Answers are made by this script, and what botocore's parsers read in them is the
expected output. Times are {"$t": milliseconds} and bytes {"$b": base64}.
"""

import base64
import datetime
import json
import sys
import urllib.parse
import xml.sax.saxutils

import botocore.awsrequest
import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize

MAX_VALUES = 1500  # of a message; beyond, optional members are left out
MAX_DEPTH = 14
MARKER = 'PLANTED-SECRET'
NO_SECRETS = {'SSEKMSKeyId', 'KMSMasterKeyID'}  # marked as sensitive, and in every real record


class Filler:
    def __init__(self):
        self.count = 0

    def fill(self, shape, stack=(), plain=False, required=False):
        """Returns a value of a shape, distinct from all others, or None."""
        self.count += 1
        n = self.count
        kind = shape.type_name
        full = required or (self.count > MAX_VALUES)
        if kind == 'structure':
            if getattr(shape, 'is_document_type', False):
                return {'d': [n, 'é', True]}
            if stack.count(shape.name) > 0 or len(stack) > MAX_DEPTH:
                return None
            out = {}
            for name, member in shape.members.items():
                if member.serialization.get('eventstream') or getattr(member, 'is_eventstream', False) or member.metadata.get('eventstream') or member.serialization.get('eventStream'):
                    continue
                if full and name not in shape.required_members and out:
                    continue
                ascii_only = plain or 'location' in member.serialization
                value = self.fill(member, stack + (shape.name,), ascii_only)
                if value is None:
                    continue
                out[name] = value
                if getattr(shape, 'is_tagged_union', False):
                    break
            if len(stack) and not out and shape.members:
                return None
            return out
        if kind == 'list':
            values = [self.fill(shape.member, stack, plain) for _ in range(1 if self.count > MAX_VALUES else 2)]
            values = [v for v in values if v is not None]
            return values or None
        if kind == 'map':
            out = {}
            for i in range(1 if self.count > MAX_VALUES else 2):
                value = self.fill(shape.value, stack, plain)
                if value is not None:
                    out[f'key{n}-{i}'] = value
            return out or None
        if kind == 'string':
            if shape.serialization.get('jsonvalue') and shape.serialization.get('location') == 'header':
                return {'j': f'v{n}'}
            return f'v{n}' if plain else f'v{n} é&<+/.'
        if kind == 'character':
            return 'c'
        if kind == 'boolean':
            return True
        if kind in ('integer', 'long'):
            return n
        if kind in ('float', 'double'):
            return n + 0.5
        if kind == 'timestamp':
            return datetime.datetime.fromtimestamp(1767322800 + n, datetime.timezone.utc)
        if kind == 'blob':
            return b'blob%d' % n
        raise ValueError(kind)


class Planter:
    """Fills what is sensitive, and whatever is required beside it."""

    def __init__(self):
        self.planted = 0

    def fill(self, shape, stack=(), secret=False, required=False):
        kind = shape.type_name
        secret = secret or bool(shape.metadata.get('sensitive'))
        if stack.count(shape.name) > 0 and kind == 'structure' or len(stack) > 10 or self.planted > 300:
            return None
        if kind == 'structure':
            if getattr(shape, 'is_document_type', False):
                if secret:
                    self.planted += 1
                return {'d': MARKER} if secret else None
            out = {}
            for name, member in shape.members.items():
                if member.metadata.get('eventstream') or member.serialization.get('eventstream') or getattr(member, 'is_eventstream', False):
                    continue
                if name in NO_SECRETS:
                    continue
                value = self.fill(member, stack + (shape.name,), secret, not stack and name in shape.required_members)
                if value is not None:
                    out[name] = value
                    if getattr(shape, 'is_tagged_union', False):
                        break
            return out or None
        if kind == 'list':
            value = self.fill(shape.member, stack + (shape.name,), secret)
            return None if value is None else [value, value]
        if kind == 'map':
            value = self.fill(shape.value, stack + (shape.name,), secret)
            if shape.key.metadata.get('sensitive') or secret:
                self.planted += 1
                return {MARKER: value if value is not None else Filler().fill(shape.value, plain=True)}
            return None if value is None else {'key': value}
        if kind == 'string' and secret:
            self.planted += 1
            return MARKER
        if kind == 'blob' and secret:
            self.planted += 1
            return MARKER.encode()
        if required:
            return Filler().fill(shape, plain=True)
        return None


class Replayer:
    """Gives back a tree that canonical has made."""

    def __init__(self, tree):
        self.tree = tree

    def fill(self, shape):
        return restored(self.tree, shape)


def restored(value, shape):
    kind = shape.type_name
    if kind == 'timestamp' and isinstance(value, dict):
        return datetime.datetime.fromtimestamp(value['$t'] / 1000, datetime.timezone.utc)
    if kind == 'blob' and isinstance(value, dict):
        return base64.b64decode(value['$b'])
    if kind == 'structure' and isinstance(value, dict):
        return {k: restored(v, shape.members[k]) for k, v in value.items() if k in shape.members}
    if kind == 'list' and isinstance(value, list):
        return [restored(v, shape.member) for v in value]
    if kind == 'map' and isinstance(value, dict):
        return {k: restored(v, shape.value) for k, v in value.items()}
    return value


def canonical(value, shape):
    """Returns a value as JSON has it, streams left out."""
    if value is None:
        return None
    kind = shape.type_name
    if kind == 'structure' and not getattr(shape, 'is_document_type', False):
        return {k: canonical(v, shape.members[k]) for k, v in value.items()
                if k in shape.members and v is not None and not streams(shape, shape.members[k], k)}
    if kind == 'list':
        return [canonical(v, shape.member) for v in value]
    if kind == 'map':
        return {k: canonical(v, shape.value) for k, v in value.items()}
    if kind == 'timestamp':
        return {'$t': int(round(value.timestamp() * 1000))}
    if kind == 'blob':
        value = value.encode() if isinstance(value, str) else value
        return {'$b': base64.b64encode(value).decode()}
    if kind == 'string' and isinstance(value, dict):
        return json.dumps(value, separators=(',', ':'))
    return value


def streams(shape, member, name):
    if member.serialization.get('eventstream') or member.type_name == 'structure' and getattr(member, 'is_eventstream', False):
        return True
    if member.type_name == 'structure' and member.metadata.get('eventstream'):
        return True
    return member.type_name == 'blob' and (member.serialization.get('streaming') or member.metadata.get('streaming') or member.serialization.get('requiresLength')) \
        and shape.serialization.get('payload') == name


def request(model, op, protocol, params):
    serialised = botocore.serialize.create_serializer(protocol, False).serialize_to_request(params, op)
    host = f'{model.endpoint_prefix}.us-east-1.amazonaws.com'
    botocore.awsrequest.prepare_request_dict(serialised, f'https://{host}', user_agent='test')
    r = botocore.awsrequest.create_request_object(serialised)
    prepared = r.prepare()
    headers = {k: v.decode() if isinstance(v, bytes) else str(v) for k, v in prepared.headers.items()}
    headers['Authorization'] = ('AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/'
                                + model.signing_name + '/aws4_request, SignedHeaders=host;x-amz-date, Signature=' + '0' * 64)
    headers['X-Amz-Date'] = '20260101T000000Z'
    body = prepared.body or b''
    if hasattr(body, 'read'):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    url = urllib.parse.urlsplit(prepared.url)
    return prepared.method, url.path + ('?' + url.query if url.query else ''), url.netloc, headers, body


def scalar_text(shape, value, default):
    kind = shape.type_name
    if kind == 'boolean':
        return 'true' if value else 'false'
    if kind == 'blob':
        return base64.b64encode(value).decode()
    if kind == 'timestamp':
        form = shape.serialization.get('timestampFormat', default).lower()
        if form == 'iso8601':
            return value.strftime('%Y-%m-%dT%H:%M:%SZ')
        if form == 'unixtimestamp':
            return str(int(value.timestamp()))
        return value.strftime('%a, %d %b %Y %H:%M:%S GMT')
    if kind == 'string' and isinstance(value, dict):
        return base64.b64encode(json.dumps(value, separators=(',', ':')).encode()).decode()
    return str(value)


def xml_members(shape, value, out):
    for name, v in value.items():
        member = shape.members[name]
        if 'location' in member.serialization or member.serialization.get('xmlAttribute'):
            continue
        xml_value(member, member.serialization.get('name', name), v, out)


def xml_value(shape, name, value, out):
    kind, flat = shape.type_name, shape.serialization.get('flattened')
    tag = name
    if kind == 'list':
        item = shape.member.serialization.get('name')
        if not flat:
            out.append(f'<{name}>')
        for v in value:
            xml_value(shape.member, (item or name) if flat else (item or 'member'), v, out)
        if not flat:
            out.append(f'</{name}>')
    elif kind == 'map':
        key, val = shape.key.serialization.get('name', 'key'), shape.value.serialization.get('name', 'value')
        if not flat:
            out.append(f'<{name}>')
        for k, v in value.items():
            out.append(f'<{name if flat else "entry"}><{key}>{k}</{key}>')
            xml_value(shape.value, val, v, out)
            out.append(f'</{name if flat else "entry"}>')
        if not flat:
            out.append(f'</{name}>')
    elif kind == 'structure':
        attributes = ''
        for member, v in value.items():
            s = shape.members[member].serialization
            if s.get('xmlAttribute'):
                attributes += f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" {s.get("name", member)}={xml.sax.saxutils.quoteattr(str(v))}'
        out.append(f'<{tag}{attributes}>')
        xml_members(shape, value, out)
        out.append(f'</{tag}>')
    else:
        out.append(f'<{tag}>{xml.sax.saxutils.escape(scalar_text(shape, value, "iso8601"))}</{tag}>')


def answer(model, op, protocol, value):
    """Returns status, headers and body of an answer."""
    shape, headers, out = op.output_shape, {'x-amzn-RequestId': 'request-1'}, []
    status = op.http.get('responseCode', 200)
    if shape is None and protocol not in ('query', 'ec2'):
        return status, headers, b''
    if protocol in ('query', 'ec2'):
        wrapper = shape.serialization.get('resultWrapper') if shape else None
        out.append(f'<{op.name}Response xmlns="urn:x">')
        if wrapper:
            out.append(f'<{wrapper}>')
        if shape:
            xml_members(shape, value, out)
        if wrapper:
            out.append(f'</{wrapper}>')
        out.append('<requestId>request-1</requestId>' if protocol == 'ec2' else '<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>')
        out.append(f'</{op.name}Response>')
        return status, headers, ''.join(out).encode()
    if protocol == 'json':
        body = {}
        botocore.serialize.JSONSerializer()._serialize(body, value, shape)
        return status, headers, json.dumps(body).encode()
    if protocol == 'smithy-rpc-v2-cbor':
        headers['smithy-protocol'], headers['content-type'] = 'rpc-v2-cbor', 'application/cbor'
        data = bytearray()
        botocore.serialize.RpcV2CBORSerializer()._serialize_data_item(data, value, shape)
        return status, headers, bytes(data)
    rest = {}
    for name, v in value.items():
        member = shape.members[name]
        location, wire = member.serialization.get('location'), member.serialization.get('name', name)
        if location == 'header':
            headers[wire] = ','.join(scalar_text(member.member, e, 'rfc822') for e in v) if member.type_name == 'list' else scalar_text(member, v, 'rfc822')
        elif location == 'headers':
            for k, e in v.items():
                headers[wire + k] = e
        elif location == 'statusCode':
            pass
        else:
            rest[name] = v
    payload = shape.serialization.get('payload')
    if payload:
        member, v = shape.members[payload], rest.get(payload)
        if v is None:
            return status, headers, b''
        if member.type_name == 'blob':
            return status, headers, v
        if member.type_name == 'string':
            return status, headers, v.encode()
        if protocol == 'rest-json':
            if getattr(member, 'is_document_type', False):
                return status, headers, json.dumps(v).encode()
            body = {}
            botocore.serialize.JSONSerializer()._serialize(body, {payload: v}, shape)
            return status, headers, json.dumps(next(iter(body.values()))).encode()
        xml_value(member, member.serialization.get('name', payload), v, out)
        return status, headers, ''.join(out).encode()
    if protocol == 'rest-json':
        body = {}
        serialiser = botocore.serialize.JSONSerializer()
        for name, v in rest.items():
            serialiser._serialize(body, v, shape.members[name], shape.members[name].serialization.get('name', name))
        return status, headers, json.dumps(body).encode()
    if not rest:
        return status, headers, b''
    out.append(f'<{op.name}Result xmlns="urn:x">')
    xml_members(shape, rest, out)
    out.append(f'</{op.name}Result>')
    return status, headers, ''.join(out).encode()


def exchange(model, op, protocol, filler=Filler, answerer=Filler):
    row = {'service': model.service_name, 'operation': op.name, 'protocol': protocol}
    first, second = filler(), answerer()
    params = (first.fill(op.input_shape) if op.input_shape else {}) or {}
    row['planted'] = getattr(first, 'planted', 0)
    try:
        method, target, host, headers, body = request(model, op, protocol, params)
    except Exception as e:
        row['skipped'] = f'{type(e).__name__}: {e}'[:100]
        return row
    row.update(method=method, target=target, host=host, headers=headers, body=base64.b64encode(body).decode())
    row['input'] = canonical(params, op.input_shape) if op.input_shape else {}
    if op.has_event_stream_output:
        return row
    try:
        value = (second.fill(op.output_shape) if op.output_shape else {}) or {}
        row['planted'] = getattr(first, 'planted', 0) + getattr(second, 'planted', 0)
        status, headers, body = answer(model, op, protocol, value)
        lower = botocore.awsrequest.HeadersDict(headers)
        parsed = botocore.parsers.create_parser(protocol).parse({'status_code': status, 'headers': lower, 'body': body}, op.output_shape)
        parsed.pop('ResponseMetadata', None)
        row.update(status=status, answerHeaders=headers, answer=base64.b64encode(body).decode())
        output = canonical(parsed, op.output_shape) if op.output_shape else {}
        json.dumps(output)
        row['output'] = output
    except Exception as e:
        row['answerSkipped'] = f'{type(e).__name__}: {e}'[:100]
    return row


def replay():
    loader, models = botocore.loaders.Loader(), {}
    for line in sys.stdin:
        row = json.loads(line)
        name = row['service']
        if name not in models:
            models[name] = botocore.model.ServiceModel(loader.load_service_model(name, 'service-2'), name)
        op = models[name].operation_model(row['operation'])
        out = exchange(models[name], op, models[name].protocol, lambda: Replayer(row.get('input') or {}), lambda: Replayer(row.get('output') or {}))
        out['number'] = row['number']
        print(json.dumps(out))


def main(wanted):
    if wanted[:1] == ['replay']:
        replay()
        return
    filler = Filler
    if wanted[:1] == ['plant']:
        filler, wanted = Planter, wanted[1:]
    loader = botocore.loaders.Loader()
    services = {}
    for name in wanted:
        service, _, operation = name.partition('.')
        services.setdefault(service, []).append(operation)
    for service in sorted(services) if wanted else loader.list_available_services('service-2'):
        model = botocore.model.ServiceModel(loader.load_service_model(service, 'service-2'), service)
        protocols = list(dict.fromkeys([model.protocol] + model.metadata.get('protocols', [])))
        for name in model.operation_names:
            if wanted and '' not in services[service] and name not in services[service]:
                continue
            op = model.operation_model(name)
            for protocol in protocols:
                if protocol in botocore.serialize.SERIALIZERS:
                    row = exchange(model, op, protocol, filler, filler)
                    if filler is Filler or row.get('planted') or 'skipped' in row:
                        print(json.dumps(row))


main(sys.argv[1:])
