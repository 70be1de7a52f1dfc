::core::compile_error! {
    "an interface has no associated types: make it a parameter, `trait …<Item: Message>`"
}
::core::compile_error! {
    "every call can fail: write `-> Result<(), CallError>`, or your own error that derives `RemoteError`"
}
::core::compile_error! {
    "write `&self`: calls run side by side; keep what changes behind a `Mutex` or an atomic"
}
::core::compile_error! {
    "the callee has a copy: take the value, and return the changed one"
}
trait Faulty: ::core::marker::Send + ::core::marker::Sync + 'static {
    type Item;
    fn no_result(
        &self,
    ) -> impl ::core::future::Future<Output = ()> + ::core::marker::Send;
    fn changes(
        &mut self,
        by: &mut u32,
    ) -> impl ::core::future::Future<
        Output = Result<(), CallError>,
    > + ::core::marker::Send;
}
///The user stub of [`Faulty`]: calls its methods on an exporter. Cloning it is cheap; all clones share one binding.
#[allow(dead_code)]
struct FaultyClient {
    binding: ::rpc_runtime::Binding,
}
///The server stub of [`Faulty`]: what an exporter exports. Cloning it is cheap; all clones call one implementation.
#[allow(dead_code)]
struct FaultyServer<Implementor> {
    implementation: ::std::sync::Arc<Implementor>,
}
#[allow(dead_code)]
impl<Implementor: Faulty> FaultyServer<Implementor> {
    ///The server stub of an implementation of [`Faulty`], or of an `Arc` of one.
    fn new(implementation: Implementor) -> Self {
        Self {
            implementation: ::std::sync::Arc::new(implementation),
        }
    }
}
impl<Implementor: Faulty> ::core::clone::Clone for FaultyServer<Implementor> {
    fn clone(&self) -> Self {
        Self {
            implementation: ::std::sync::Arc::clone(&self.implementation),
        }
    }
}
impl<Implementor: Faulty> ::core::fmt::Debug for FaultyServer<Implementor> {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.debug_struct(::core::stringify!(FaultyServer)).finish_non_exhaustive()
    }
}
#[allow(clippy::all, deprecated, trivial_bounds)]
const _: () = {
    impl ::core::clone::Clone for FaultyClient {
        fn clone(&self) -> Self {
            Self {
                binding: ::core::clone::Clone::clone(&self.binding),
            }
        }
    }
    impl ::core::fmt::Debug for FaultyClient {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("FaultyClient").finish_non_exhaustive()
        }
    }
    impl ::rpc_runtime::UserStub for FaultyClient {
        fn interface() -> ::rpc_runtime::idl::Interface {
            ::core::unreachable!()
        }
        fn from_binding(binding: ::rpc_runtime::Binding) -> Self {
            Self { binding }
        }
        fn as_binding(&self) -> &::rpc_runtime::Binding {
            &self.binding
        }
    }
    impl<Implementor: Faulty> ::rpc_runtime::ServerStub for FaultyServer<Implementor> {
        type Client = FaultyClient;
        fn method(id: u32) -> ::core::option::Option<&'static ::rpc_runtime::Method> {
            match id {
                _ => ::core::option::Option::None,
            }
        }
        fn call(&self, incoming: &mut ::rpc_runtime::Incoming<'_>) {
            match incoming.method() {
                _ => {}
            }
        }
    }
};
::core::compile_error! {
    "write `async fn`: a call waits for the network"
}
::core::compile_error! {
    "name this argument: the name becomes the field's name on the wire"
}
trait Blocking: ::core::marker::Send + ::core::marker::Sync + 'static {
    fn plain(&self, _: (u32, u32)) -> Result<u32, CallError>;
}
///The user stub of [`Blocking`]: calls its methods on an exporter. Cloning it is cheap; all clones share one binding.
#[allow(dead_code)]
struct BlockingClient {
    binding: ::rpc_runtime::Binding,
}
///The server stub of [`Blocking`]: what an exporter exports. Cloning it is cheap; all clones call one implementation.
#[allow(dead_code)]
struct BlockingServer<Implementor> {
    implementation: ::std::sync::Arc<Implementor>,
}
#[allow(dead_code)]
impl<Implementor: Blocking> BlockingServer<Implementor> {
    ///The server stub of an implementation of [`Blocking`], or of an `Arc` of one.
    fn new(implementation: Implementor) -> Self {
        Self {
            implementation: ::std::sync::Arc::new(implementation),
        }
    }
}
impl<Implementor: Blocking> ::core::clone::Clone for BlockingServer<Implementor> {
    fn clone(&self) -> Self {
        Self {
            implementation: ::std::sync::Arc::clone(&self.implementation),
        }
    }
}
impl<Implementor: Blocking> ::core::fmt::Debug for BlockingServer<Implementor> {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.debug_struct(::core::stringify!(BlockingServer)).finish_non_exhaustive()
    }
}
#[allow(clippy::all, deprecated, trivial_bounds)]
const _: () = {
    impl ::core::clone::Clone for BlockingClient {
        fn clone(&self) -> Self {
            Self {
                binding: ::core::clone::Clone::clone(&self.binding),
            }
        }
    }
    impl ::core::fmt::Debug for BlockingClient {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("BlockingClient").finish_non_exhaustive()
        }
    }
    impl ::rpc_runtime::UserStub for BlockingClient {
        fn interface() -> ::rpc_runtime::idl::Interface {
            ::core::unreachable!()
        }
        fn from_binding(binding: ::rpc_runtime::Binding) -> Self {
            Self { binding }
        }
        fn as_binding(&self) -> &::rpc_runtime::Binding {
            &self.binding
        }
    }
    impl<Implementor: Blocking> ::rpc_runtime::ServerStub
    for BlockingServer<Implementor> {
        type Client = BlockingClient;
        fn method(id: u32) -> ::core::option::Option<&'static ::rpc_runtime::Method> {
            match id {
                _ => ::core::option::Option::None,
            }
        }
        fn call(&self, incoming: &mut ::rpc_runtime::Incoming<'_>) {
            match incoming.method() {
                _ => {}
            }
        }
    }
    #[allow(unused)]
    impl Blocking for BlockingClient {
        fn plain(&self, _: (u32, u32)) -> Result<u32, CallError> {
            ::core::unreachable!()
        }
    }
};
::core::compile_error! {
    "two fields have tag 2: give one of them another, `#[rpc(tag = …)]`"
}
#[automatically_derived]
impl ::rpc_runtime::idl::Message for Twice {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, _: u32, _: &mut ::rpc_runtime::idl::Writer) {}
    fn absent() -> ::core::option::Option<Self> {
        ::core::option::Option::None
    }
    fn describe(_: &mut ::rpc_runtime::idl::Registry) -> ::rpc_runtime::idl::Shape {
        ::core::unreachable!()
    }
}
