//! Makes traits and messages of gRPC's own test services.

fn main() -> Result<(), idl::CompileError> {
    let protos = "../../idl/tests/protos";
    idl::compile(&[format!("{protos}/grpc/testing/test.proto")], &[protos])
}
