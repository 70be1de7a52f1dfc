//! Compiles every `.proto` of the tests.

fn main() -> Result<(), idl::CompileError> {
    let protos = [
        "../protos/grpc/example/route_guide.proto",
        "../protos/grpc/example/helloworld.proto",
        "../protos/grpc/testing/test.proto",
        "../protos/etcd/api/etcdserverpb/rpc.proto",
        "../protos/google/longrunning/operations.proto",
        "../protos/odd/v1/odd.proto",
    ];
    idl::compile(&protos, &["../protos"])
}
