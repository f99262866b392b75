"""The files that the suite forges: GGUF, canonical JSON, signed envelopes, audit chains."""

import base64
import hashlib
import json
import struct

UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64, INT64, FLOAT64 = range(13)
FORMATS = {
    UINT8: "<B", INT8: "<b", UINT16: "<H", INT16: "<h", UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<B",
    UINT64: "<Q", INT64: "<q", FLOAT64: "<d",
}
# Values and bytes of a block, by storage type.
BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 20: (32, 18), 23: (256, 136), 30: (1, 2),
    34: (256, 54), 35: (256, 66),
}


class Tensor:
    def __init__(self, name, dimensions, kind, data, offset=None):
        self.name, self.dimensions, self.kind, self.data, self.offset = name, dimensions, kind, data, offset


class Gguf:
    """A container, every number of which may be a lie."""

    def __init__(self, data=None):
        self.version, self.records, self.tensors, self.tail = 3, [], [], b""
        self.alignment, self.tensor_count, self.record_count = 32, None, None
        if data is not None:
            self._read(data)

    def _read(self, data):
        place = 24
        self.version, tensors, records = struct.unpack_from("<IQQ", data, 4)

        def text():
            nonlocal place
            length, = struct.unpack_from("<Q", data, place)
            place += 8 + length
            return data[place - length:place]

        def number(form):
            nonlocal place
            value, = struct.unpack_from(form, data, place)
            place += struct.calcsize(form)
            return value

        def value(kind):
            if kind == STRING:
                return text()
            if kind == ARRAY:
                inner, count = number("<I"), number("<Q")
                return (inner, [value(inner) for _ in range(count)])
            return number(FORMATS[kind])

        for _ in range(records):
            key = text()
            kind = number("<I")
            self.records.append([key, kind, value(kind)])
        for key, _, content in self.records:
            if key == b"general.alignment":
                self.alignment = content
        entries = []
        for _ in range(tensors):
            name = text()
            dimensions = [number("<Q") for _ in range(number("<I"))]
            entries.append((name, dimensions, number("<I"), number("<Q")))
        start = -(-place // self.alignment) * self.alignment
        for name, dimensions, kind, offset in entries:
            count = 1
            for dimension in dimensions:
                count *= dimension
            values, size = BLOCKS[kind]
            length = count // values * size
            self.tensors.append(Tensor(name, dimensions, kind, data[start + offset:start + offset + length]))

    def record(self, key):
        return next(record for record in self.records if record[0] == key)

    def tensor(self, name):
        return next(tensor for tensor in self.tensors if tensor.name == name)

    @property
    def encoded(self):
        head = b"GGUF" + struct.pack(
            "<IQQ", self.version, len(self.tensors) if self.tensor_count is None else self.tensor_count,
            len(self.records) if self.record_count is None else self.record_count)
        head += b"".join(
            record if isinstance(record, bytes) else encode_text(record[0]) + struct.pack("<I", record[1])
            + encode_value(record[1], record[2]) for record in self.records)
        data = b""
        step = max(1, self.alignment)
        for tensor in self.tensors:
            offset = len(data) if tensor.offset is None else tensor.offset
            head += encode_text(tensor.name) + struct.pack("<I", len(tensor.dimensions))
            head += b"".join(struct.pack("<Q", dimension) for dimension in tensor.dimensions)
            head += struct.pack("<IQ", tensor.kind, offset)
            data += tensor.data
            data += bytes(-len(data) % step)
        return head + bytes(-len(head) % step) + data + self.tail


def encode_text(text):
    return struct.pack("<Q", len(text)) + text


def encode_value(kind, value):
    if isinstance(value, bytes) and kind != STRING:
        return value
    if kind == STRING:
        return encode_text(value)
    if kind == ARRAY:
        return struct.pack("<IQ", value[0], len(value[1])) + b"".join(encode_value(value[0], one) for one in value[1])
    return struct.pack(FORMATS[kind], value)


# MARK: JSON and signatures

def canonical(value):
    """RFC 8785 for what these formats hold: texts, whole numbers, lists and objects."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def authenticated(kind, payload):
    """DSSE's pre-authentication encoding."""
    return f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload


def envelope(kind, payload, key):
    return canonical({
        "payload": base64.b64encode(payload).decode(), "payloadType": kind,
        "signatures": [{
            "keyid": key.fingerprint, "sig": base64.b64encode(key.sign(authenticated(kind, payload))).decode()}],
    }) + b"\n"


def signed_adapter(container, key):
    """The container's bytes with the signer's key and signature in their two fields."""
    container.record(b"adapter.signer")[2] = (UINT8, list(key.public))
    container.record(b"adapter.signature")[2] = (UINT8, [0] * 64)
    data = container.encoded
    place = data.index(encode_text(b"adapter.signature")) + 8 + len(b"adapter.signature") + 16
    return data[:place] + key.sign(data) + data[place + 64:]


STATE_TYPE = "application/vnd.polymath.audit-state.v1+json"


class Chain:
    """The rows of an audit.jsonl."""

    def __init__(self, data):
        self.rows = [json.loads(line) for line in data.split(b"\n") if line]

    def kinds(self):
        return [row["kind"] for row in self.rows]

    def last(self, kind):
        return max(index for index, row in enumerate(self.rows) if row["kind"] == kind)

    def encoded(self, key=None):
        """The rows numbered, linked and hashed anew, as anybody can; with a key, signed anew too."""
        lines = []
        previous = "0" * 64
        for number, row in enumerate(self.rows):
            row = dict(row, seq=number, prev=previous)
            row.pop("hash", None)
            if key and number == 0:
                row["body"] = dict(row["body"], signer=key.public.hex())
            if key and row["kind"] in ("pause", "close"):
                message = canonical({
                    "run": row["run"], "seq": number, "prev": previous, "state": row["body"]["state"]})
                row["body"] = {
                    "state": row["body"]["state"], "signer": key.public.hex(),
                    "signature": base64.b64encode(key.sign(authenticated(STATE_TYPE, message))).decode()}
            previous = sha256(canonical(row))
            lines.append(canonical(dict(row, hash=previous)) + b"\n")
        return b"".join(lines)
