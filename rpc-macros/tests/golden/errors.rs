#[derive(Debug, RemoteError)]
enum StoreError {
    NoSuchTitle { title: String },
    Full,
    Manager(ManagerError),
    #[rpc(text)]
    Io(std::io::Error),
    Call(CallError),
}

#[derive(Debug, RemoteError)]
enum OnlyCalls {
    Call { source: rpc_runtime::CallError },
}

#[derive(Debug, RemoteError)]
enum Renamed<T> {
    #[rpc(call)]
    Failed(Failure),
    Held(T),
    #[rpc(other)]
    Newer,
}
