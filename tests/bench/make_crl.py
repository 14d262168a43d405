"""Asks the engine for a new CRL of a CA, as siegel-sched does, and says how long the answer took. Arguments: socket, CA's number.

The message is written by hand (lib/ipc/engine.proto: Request.crl = 3, MakeCrl.ca_id = 1; Reply.crl = 4), so that no generated code is needed.
"""

import json
import socket
import sys
import time


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def fields(data):
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at : at + value], at + value
        found[tag >> 3] = value
    return found


number = int(sys.argv[2])
message = bytes([0x1A, 2, 8, number])
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    start = time.monotonic()
    s.sendall(len(message).to_bytes(4, "big") + message)
    head = s.recv(4, socket.MSG_WAITALL)
    reply = s.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    seconds = time.monotonic() - start
result = fields(reply)
if 4 not in result:
    sys.exit(f"the engine refused: {reply!r}")
made = fields(result[4])
json.dump({"seconds": seconds, "number": made.get(1, 0), "entries": made.get(2, 0)}, sys.stdout)
