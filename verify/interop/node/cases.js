"use strict";
// gRPC's interoperability cases, as its test descriptions have them, by @grpc/grpc-js: `cases.js HOST:PORT [CASE…]`.

const assert = require("node:assert/strict");
const { once } = require("node:events");
const { grpc, testing } = require("./service");

const { status } = grpc;
const INITIAL = "x-grpc-test-echo-initial";
const TRAILING = "x-grpc-test-echo-trailing-bin";
const REQUEST_SIZES = [27182, 8, 1828, 45904];
const RESPONSE_SIZES = [31415, 9, 2653, 58979];

const payload = (size) => ({ body: Buffer.alloc(size) });

const outputRequest = (responseSizes, requestSize = 0) => ({
  responseParameters: responseSizes.map((size) => ({ size })),
  payload: payload(requestSize),
});

/** A unary call: its response, its headers and its trailers. */
function unary(client, method, request, metadata = new grpc.Metadata()) {
  return new Promise((resolve, reject) => {
    const all = {};
    const call = client[method](request, metadata, (error, response) => {
      if (error) reject(error);
      else all.response = response;
    });
    call.on("metadata", (headers) => (all.headers = headers));
    call.on("status", (end) => {
      all.trailers = end.metadata;
      if (end.code === status.OK) resolve(all);
    });
  });
}

/** All that a stream gives; its error, if it has one. */
async function all(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

async function fails(code, details, work) {
  await assert.rejects(work, (error) => {
    assert.equal(error.code, code, error.message);
    if (details !== undefined) assert.equal(error.details, details);
    return true;
  });
}

function echoedMetadata() {
  const metadata = new grpc.Metadata();
  metadata.set(INITIAL, "test_initial_metadata_value");
  metadata.set(TRAILING, Buffer.from("ababab", "hex"));
  return metadata;
}

function assertEchoed(headers, trailers) {
  assert.deepEqual(headers.get(INITIAL), ["test_initial_metadata_value"]);
  assert.deepEqual(trailers.get(TRAILING), [Buffer.from("ababab", "hex")]);
}

const cases = {
  async empty_unary(client) {
    assert.deepEqual((await unary(client, "emptyCall", {})).response, {});
  },

  async large_unary(client) {
    const { response } = await unary(client, "unaryCall", { responseSize: 314159, payload: payload(271828) });
    assert.equal(response.payload.body.length, 314159);
  },

  async client_streaming(client) {
    const response = await new Promise((resolve, reject) => {
      const call = client.streamingInputCall((error, value) => (error ? reject(error) : resolve(value)));
      REQUEST_SIZES.forEach((size) => call.write({ payload: payload(size) }));
      call.end();
    });
    assert.equal(response.aggregatedPayloadSize, 74922);
  },

  async server_streaming(client) {
    const responses = await all(client.streamingOutputCall(outputRequest(RESPONSE_SIZES)));
    assert.deepEqual(responses.map((response) => response.payload.body.length), RESPONSE_SIZES);
  },

  async ping_pong(client) {
    const call = client.fullDuplexCall();
    for (const [index, size] of REQUEST_SIZES.entries()) {
      call.write(outputRequest([RESPONSE_SIZES[index]], size));
      const [response] = await once(call, "data");
      assert.equal(response.payload.body.length, RESPONSE_SIZES[index]);
    }
    call.end();
    const [end] = await once(call, "status");
    assert.equal(end.code, status.OK);
  },

  async empty_stream(client) {
    const call = client.fullDuplexCall();
    call.end();
    assert.deepEqual(await all(call), []);
  },

  async custom_metadata(client) {
    const request = { responseSize: 314159, payload: payload(271828) };
    const { headers, trailers } = await unary(client, "unaryCall", request, echoedMetadata());
    assertEchoed(headers, trailers);
    const call = client.fullDuplexCall(echoedMetadata());
    const [first, last] = [once(call, "metadata"), once(call, "status")];
    call.write(outputRequest([314159], 271828));
    call.end();
    assert.equal((await all(call)).length, 1);
    assertEchoed((await first)[0], (await last)[0].metadata);
  },

  async status_code_and_message(client) {
    const responseStatus = { code: 2, message: "test status message" };
    await fails(2, responseStatus.message, unary(client, "unaryCall", { responseStatus }));
    const call = client.fullDuplexCall();
    call.write({ responseStatus });
    call.end();
    await fails(2, responseStatus.message, all(call));
  },

  async special_status_message(client) {
    const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    await fails(2, message, unary(client, "unaryCall", { responseStatus: { code: 2, message } }));
  },

  async unimplemented_method(client) {
    const empty = () => Buffer.alloc(0);
    const call = new Promise((resolve, reject) => {
      const path = "/grpc.testing.TestService/UnimplementedMethod";
      client.makeUnaryRequest(path, empty, empty, {}, (error) => (error ? reject(error) : resolve()));
    });
    await fails(status.UNIMPLEMENTED, undefined, call);
  },

  async unimplemented_service(_client, address) {
    const other = new testing.UnimplementedService(address, grpc.credentials.createInsecure());
    await fails(status.UNIMPLEMENTED, undefined, unary(other, "unimplementedCall", {}));
    other.close();
  },

  async cancel_after_begin(client) {
    const cancelled = new Promise((resolve, reject) => {
      const call = client.streamingInputCall((error) => (error ? reject(error) : resolve()));
      call.cancel();
    });
    await fails(status.CANCELLED, undefined, cancelled);
  },

  async cancel_after_first_response(client) {
    const call = client.fullDuplexCall();
    call.write(outputRequest([31415], 27182));
    const [response] = await once(call, "data");
    assert.equal(response.payload.body.length, 31415);
    call.cancel();
    await fails(status.CANCELLED, undefined, all(call));
  },

  async timeout_on_sleeping_server(client) {
    const call = client.fullDuplexCall({ deadline: Date.now() + 1 });
    call.write(outputRequest([], 27182));
    await fails(status.DEADLINE_EXCEEDED, undefined, all(call));
  },
};

async function main([address, ...names]) {
  const client = new testing.TestService(address, grpc.credentials.createInsecure());
  let failed = 0;
  for (const [name, run] of Object.entries(cases)) {
    if (names.length > 0 && !names.includes(name)) continue;
    try {
      await run(client, address);
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}`);
      console.error(error);
    }
  }
  client.close();
  // Calls that were cancelled may keep the connection, and with it the process.
  process.exit(failed === 0 ? 0 : 1);
}

main(process.argv.slice(2));
