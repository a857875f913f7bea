"""FastCGI records, as an application writes and reads them."""

import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
UNKNOWN_TYPE = 11
KEEP_CONN = 1


def record(kind, request_id, content=b"", padding=0):
    return struct.pack(">BBHHBx", 1, kind, request_id, len(content),
                       padding) + content + b"P" * padding


def end_record(request_id, status=0, protocol_status=0, padding=0):
    content = struct.pack(">IB3x", status, protocol_status)
    return record(END, request_id, content, padding)


def decode_params(data):
    """Raises ValueError where they are malformed, or one stands twice."""
    params = {}
    at = 0

    def length():
        nonlocal at
        size = 4 if data[at] & 0x80 else 1
        value = int.from_bytes(data[at:at + size], "big") & 0x7fffffff
        at += size
        return value

    while at < len(data):
        name_len, value_len = length(), length()
        name = bytes(data[at:at + name_len])
        at += name_len
        value = bytes(data[at:at + value_len])
        at += value_len
        if at > len(data) or name in params:
            raise ValueError("params")
        params[name.decode("latin-1")] = value
    return params
