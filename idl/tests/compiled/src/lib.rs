//! What is made of `.proto` files that nobody here wrote.

rpc_runtime::include_protos!();
