"use strict";
// gRPC's test service by @grpc/grpc-js, on a free port of 127.0.0.1, which it prints: until its standard input ends.

const { grpc, testing } = require("./service");

const INITIAL = "x-grpc-test-echo-initial";
const TRAILING = "x-grpc-test-echo-trailing-bin";

/** Sends the headers that are asked for; gives the trailers. */
function echoMetadata(call) {
  const initial = call.metadata.get(INITIAL);
  if (initial.length > 0) {
    const headers = new grpc.Metadata();
    headers.set(INITIAL, initial[0]);
    call.sendMetadata(headers);
  }
  const trailers = new grpc.Metadata();
  call.metadata.get(TRAILING).forEach((value) => trailers.set(TRAILING, value));
  return trailers;
}

function askedError(request, metadata) {
  const asked = request.responseStatus;
  return asked && asked.code ? { code: asked.code, details: asked.message, metadata } : null;
}

const sleep = (microseconds) => new Promise((resolve) => setTimeout(resolve, microseconds / 1000));

async function respond(call, request) {
  for (const { size, intervalUs } of request.responseParameters) {
    if (intervalUs > 0) await sleep(intervalUs);
    call.write({ payload: { body: Buffer.alloc(size) } });
  }
}

const service = {
  emptyCall(call, callback) {
    callback(null, {}, echoMetadata(call));
  },

  unaryCall(call, callback) {
    const trailers = echoMetadata(call);
    const error = askedError(call.request, trailers);
    callback(error, { payload: { body: Buffer.alloc(call.request.responseSize) } }, trailers);
  },

  async streamingOutputCall(call) {
    const trailers = echoMetadata(call);
    const error = askedError(call.request, trailers);
    if (error) return call.emit("error", error);
    await respond(call, call.request);
    return call.end(trailers);
  },

  async streamingInputCall(call, callback) {
    const trailers = echoMetadata(call);
    let aggregatedPayloadSize = 0;
    for await (const request of call) aggregatedPayloadSize += request.payload.body.length;
    callback(null, { aggregatedPayloadSize }, trailers);
  },

  fullDuplexCall(call) {
    const trailers = echoMetadata(call);
    let answered = Promise.resolve();
    call.on("data", (request) => {
      const error = askedError(request, trailers);
      answered = answered.then(() => (error ? call.emit("error", error) : respond(call, request)));
    });
    call.on("end", () => answered.then(() => call.end(trailers)));
  },
};

const server = new grpc.Server();
server.addService(testing.TestService.service, service);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(port);
});
process.stdin.on("end", () => server.forceShutdown()).resume();
