"""At most once over gRPC: an interceptor that names each call, so that it can be sent again without running twice.

    channel = grpc.insecure_channel("127.0.0.1:5000")
    channel = grpc.intercept_channel(channel, AtMostOnce(channel, "bank.v1.Bank"))
"""
import collections, itertools, queue, time

import grpc

FIELDS = ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression")


class Details(collections.namedtuple("Details", FIELDS), grpc.ClientCallDetails):
    """What a call is made with."""


class AtMostOnce(grpc.UnaryUnaryClientInterceptor):
    def __init__(self, channel, interface, instance="", timeout=30):
        """Opens a session with one instance of `interface`. A call without a timeout takes `timeout` seconds at most."""
        request = b"".join(bytes([tag, len(text)]) + text.encode() for tag, text in ((10, interface), (18, instance)))
        reply = fields(fields(channel.unary_unary("/rpc.v1.Sessions/Open")(request, timeout=timeout))[1])
        self.session, self.timeout = reply[1].decode(), timeout
        self.numbers, self.slots = itertools.count(1), queue.LifoQueue()
        for slot in reversed(range(reply[5])):
            self.slots.put(slot)

    def intercept_unary_unary(self, continuation, details, request):
        until = time.monotonic() + (details.timeout or self.timeout)
        slot = self.slots.get(timeout=until - time.monotonic())
        # The number is drawn after the slot was taken, so that it rises on every slot.
        names = [("rpc-session", self.session), ("rpc-call", f"{slot}/{next(self.numbers)}")]
        metadata = [*(details.metadata or ()), *names]
        for pause in (0.01 * 2**attempt for attempt in itertools.count()):
            left = max(until - time.monotonic(), 0)
            call = continuation(Details(details.method, left, metadata, details.credentials, True, None), request)
            executed = dict(call.trailing_metadata() or ()).get("rpc-executed")
            if call.code() is grpc.StatusCode.OK or executed in ("never", "completed"):
                self.slots.put(slot)  # The verdict is known. Otherwise the slot stays taken.
                return call
            if executed == "unknown" or time.monotonic() + pause >= until:
                return call
            time.sleep(pause)  # The reply was lost: the same call is sent again, under the same name.


def fields(message):
    """The last value of each field of a Protocol Buffers message, numbers and bytes."""
    found, rest = {}, iter(message)
    varint = lambda: sum((byte & 127) << 7 * place for place, byte in enumerate(take_varint(rest)))
    for first in rest:
        found[first >> 3] = bytes(itertools.islice(rest, varint())) if first & 7 == 2 else varint()
    return found


def take_varint(rest):
    for byte in rest:
        yield byte
        if byte < 128:
            return
