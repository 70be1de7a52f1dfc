"""gRPC's interoperability cases, as its test descriptions have them, by grpcio: `cases.py HOST:PORT [CASE…]`."""

import sys
import threading
import traceback

import grpc

from grpc_testing import empty_pb2, messages_pb2, test_pb2_grpc

EMPTY = empty_pb2.Empty()
INITIAL = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
TRAILING = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
REQUEST_SIZES = (27182, 8, 1828, 45904)
RESPONSE_SIZES = (31415, 9, 2653, 58979)


def payload(size):
    return messages_pb2.Payload(body=bytes(size))


def output_request(response_sizes, request_size=0):
    request = messages_pb2.StreamingOutputCallRequest(payload=payload(request_size))
    for size in response_sizes:
        request.response_parameters.add(size=size)
    return request


def expect_error(code, call, details=None):
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()} instead of {code}: {error.details()}"
        assert details is None or error.details() == details, f"{error.details()!r} instead of {details!r}"
        return error
    raise AssertionError(f"it succeeded instead of failing with {code}")


class Pipe:
    """Requests, given one at a time."""

    def __init__(self):
        self._requests = []
        self._waits = threading.Condition()
        self._closed = False

    def send(self, request):
        with self._waits:
            self._requests.append(request)
            self._waits.notify()

    def close(self):
        with self._waits:
            self._closed = True
            self._waits.notify()

    def __iter__(self):
        return self

    def __next__(self):
        with self._waits:
            self._waits.wait_for(lambda: self._requests or self._closed)
            if self._requests:
                return self._requests.pop(0)
            raise StopIteration


def empty_unary(stub, _channel):
    assert stub.EmptyCall(EMPTY) == EMPTY


def large_unary(stub, _channel):
    response = stub.UnaryCall(messages_pb2.SimpleRequest(response_size=314159, payload=payload(271828)))
    assert response.payload.body == bytes(314159)


def client_streaming(stub, _channel):
    requests = (messages_pb2.StreamingInputCallRequest(payload=payload(size)) for size in REQUEST_SIZES)
    assert stub.StreamingInputCall(requests).aggregated_payload_size == 74922


def server_streaming(stub, _channel):
    responses = stub.StreamingOutputCall(output_request(RESPONSE_SIZES))
    assert [len(response.payload.body) for response in responses] == list(RESPONSE_SIZES)


def ping_pong(stub, _channel):
    pipe = Pipe()
    responses = stub.FullDuplexCall(pipe)
    for request_size, response_size in zip(REQUEST_SIZES, RESPONSE_SIZES):
        pipe.send(output_request([response_size], request_size))
        assert len(next(responses).payload.body) == response_size
    pipe.close()
    assert list(responses) == []


def empty_stream(stub, _channel):
    assert list(stub.FullDuplexCall(iter(()))) == []


def custom_metadata(stub, _channel):
    request = messages_pb2.SimpleRequest(response_size=314159, payload=payload(271828))
    _, call = stub.UnaryCall.with_call(request, metadata=(INITIAL, TRAILING))
    assert INITIAL in [tuple(entry) for entry in call.initial_metadata()]
    assert TRAILING in [tuple(entry) for entry in call.trailing_metadata()]
    stream = stub.FullDuplexCall(iter([output_request([314159], 271828)]), metadata=(INITIAL, TRAILING))
    assert INITIAL in [tuple(entry) for entry in stream.initial_metadata()]
    assert len(list(stream)) == 1
    assert TRAILING in [tuple(entry) for entry in stream.trailing_metadata()]


def status_code_and_message(stub, _channel):
    status = messages_pb2.EchoStatus(code=2, message="test status message")
    unary = messages_pb2.SimpleRequest(response_status=status)
    expect_error(grpc.StatusCode.UNKNOWN, lambda: stub.UnaryCall(unary), status.message)
    stream = messages_pb2.StreamingOutputCallRequest(response_status=status)
    expect_error(grpc.StatusCode.UNKNOWN, lambda: list(stub.FullDuplexCall(iter([stream]))), status.message)


def special_status_message(stub, _channel):
    message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    status = messages_pb2.EchoStatus(code=2, message=message)
    request = messages_pb2.SimpleRequest(response_status=status)
    expect_error(grpc.StatusCode.UNKNOWN, lambda: stub.UnaryCall(request), message)


def unimplemented_method(_stub, channel):
    serialize, deserialize = empty_pb2.Empty.SerializeToString, empty_pb2.Empty.FromString
    method = channel.unary_unary("/grpc.testing.TestService/UnimplementedMethod", serialize, deserialize)
    expect_error(grpc.StatusCode.UNIMPLEMENTED, lambda: method(EMPTY))


def unimplemented_service(_stub, channel):
    other = test_pb2_grpc.UnimplementedServiceStub(channel)
    expect_error(grpc.StatusCode.UNIMPLEMENTED, lambda: other.UnimplementedCall(EMPTY))


def cancel_after_begin(stub, _channel):
    call = stub.StreamingInputCall.future(Pipe())
    call.cancel()
    assert call.cancelled() and call.code() == grpc.StatusCode.CANCELLED


def cancel_after_first_response(stub, _channel):
    pipe = Pipe()
    responses = stub.FullDuplexCall(pipe)
    pipe.send(output_request([31415], 27182))
    assert len(next(responses).payload.body) == 31415
    responses.cancel()
    expect_error(grpc.StatusCode.CANCELLED, lambda: next(responses))
    pipe.close()


def timeout_on_sleeping_server(stub, _channel):
    pipe = Pipe()
    responses = stub.FullDuplexCall(pipe, timeout=0.001)
    pipe.send(output_request([], 27182))
    expect_error(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: next(responses))
    pipe.close()


CASES = [
    empty_unary, large_unary, client_streaming, server_streaming, ping_pong, empty_stream, custom_metadata,
    status_code_and_message, special_status_message, unimplemented_method, unimplemented_service,
    cancel_after_begin, cancel_after_first_response, timeout_on_sleeping_server,
]


def main(address, names):
    failed = 0
    with grpc.insecure_channel(address) as channel:
        stub = test_pb2_grpc.TestServiceStub(channel)
        for case in CASES:
            if names and case.__name__ not in names:
                continue
            try:
                case(stub, channel)
                print(f"ok      {case.__name__}")
            except Exception:
                failed += 1
                print(f"FAILED  {case.__name__}")
                traceback.print_exc()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
