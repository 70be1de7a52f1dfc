"use strict";
// grpc.testing.TestService as @grpc/grpc-js sees it.

const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const protos = process.env.INTEROP_PROTOS || path.join(__dirname, "../../../idl/tests/protos");
const definition = loader.loadSync("grpc/testing/test.proto", { includeDirs: [protos], longs: Number, defaults: true });

module.exports = { grpc, testing: grpc.loadPackageDefinition(definition).grpc.testing };
