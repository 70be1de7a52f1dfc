"""Cuts connections between execution and reply, and counts executions.

    pip install grpcio
    cargo build -p rpc-runtime --features grpc --example bank
    python examples/python/test_at_most_once.py target/debug/examples/bank
"""
import socket
import subprocess
import sys
import threading

import grpc

from at_most_once import AtMostOnce, fields


class Proxy:
    """Passes bytes on, until it is told to cut a connection in place of what the server says next."""

    def __init__(self, target):
        self.target, self.cuts, self.cut = target, 0, threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.target)
            for ends in ((client, server, False), (server, client, True)):
                threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(self, source, sink, is_reply):
        try:
            while data := source.recv(65536):
                # Only what holds a response: frames of type HEADERS. Others belong to the connection.
                if is_reply and self.cut.is_set() and has_headers(data):
                    self.cut.clear()
                    self.cuts += 1
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def has_headers(data):
    """Whether HTTP/2 frames, of which whole ones came, hold a response."""
    while len(data) >= 9:
        if data[3] == 1:
            return True
        data = data[9 + int.from_bytes(data[:3], "big"):]
    return False


def main(binary):
    bank = subprocess.Popen([binary], stdout=subprocess.PIPE, text=True)
    try:
        host, port = bank.stdout.readline().strip().removeprefix("tcp://").rsplit(":", 1)
        proxy = Proxy((host, int(port)))
        plain = grpc.insecure_channel(proxy.address)
        channel = grpc.intercept_channel(plain, AtMostOnce(plain, "bank.v1.Bank"))
        pay, paid = channel.unary_unary("/bank.v1.Bank/Pay"), plain.unary_unary("/bank.v1.Bank/Paid")

        for number in range(1, 21):
            proxy.cut.set()
            receipt = fields(fields(pay(b"\x08\x05", timeout=20))[1])
            assert receipt == {1: number, 2: 5}, receipt
        assert proxy.cuts == 20, proxy.cuts
        assert fields(paid(b""))[1] == 20, "each payment was made once"

        # Errors are recorded too, and are the same when they come from the record.
        proxy.cut.set()
        try:
            pay(b"\x08\xd0\x0f", timeout=20)
            raise AssertionError("2000 is too much")
        except grpc.RpcError as error:
            assert (error.code(), error.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "2000 is too much"), error
            assert dict(error.trailing_metadata())["rpc-executed"] == "completed"
        # Without names a lost reply leaves open whether the call ran, and sending it again runs it again.
        proxy.cut.set()
        try:
            plain.unary_unary("/bank.v1.Bank/Pay")(b"\x08\x05", timeout=20)
            raise AssertionError("its reply was lost")
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE, error
        assert fields(paid(b""))[1] == 21
        print("ok: %d connections were cut, and nothing ran twice" % proxy.cuts)
    finally:
        bank.kill()


if __name__ == "__main__":
    main(sys.argv[1])
