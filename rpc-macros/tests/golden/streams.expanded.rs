pub trait Feed: ::core::marker::Send + ::core::marker::Sync + 'static {
    fn watch(
        &self,
        topic: &str,
    ) -> impl ::core::future::Future<
        Output = Result<Streaming<Event, FeedError>, FeedError>,
    > + ::core::marker::Send;
    fn upload(
        &self,
        chunks: Streaming<Chunk>,
    ) -> impl ::core::future::Future<
        Output = Result<u64, FeedError>,
    > + ::core::marker::Send;
    fn chat(
        &self,
        lines: Streaming<String>,
    ) -> impl ::core::future::Future<
        Output = Result<Streaming<String>, CallError>,
    > + ::core::marker::Send;
}
///The user stub of [`Feed`]: calls its methods on an exporter. Cloning it is cheap; all clones share one binding.
#[allow(dead_code)]
pub struct FeedClient {
    binding: ::rpc_runtime::Binding,
}
///The server stub of [`Feed`]: what an exporter exports. Cloning it is cheap; all clones call one implementation.
#[allow(dead_code)]
pub struct FeedServer<Implementor> {
    implementation: ::std::sync::Arc<Implementor>,
}
#[allow(dead_code)]
impl<Implementor: Feed> FeedServer<Implementor> {
    ///The server stub of an implementation of [`Feed`], or of an `Arc` of one.
    pub fn new(implementation: Implementor) -> Self {
        Self {
            implementation: ::std::sync::Arc::new(implementation),
        }
    }
}
impl<Implementor: Feed> ::core::clone::Clone for FeedServer<Implementor> {
    fn clone(&self) -> Self {
        Self {
            implementation: ::std::sync::Arc::clone(&self.implementation),
        }
    }
}
impl<Implementor: Feed> ::core::fmt::Debug for FeedServer<Implementor> {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.debug_struct(::core::stringify!(FeedServer)).finish_non_exhaustive()
    }
}
#[allow(clippy::all, deprecated, non_upper_case_globals, trivial_bounds)]
const _: () = {
    static METHOD_watch: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "Watch",
        id: 3961941704,
        kind: ::rpc_runtime::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: false,
        server_streams: true,
    };
    static METHOD_upload: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "Upload",
        id: 2188345212,
        kind: ::rpc_runtime::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: true,
        server_streams: false,
    };
    static METHOD_chat: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "Chat",
        id: 578410699,
        kind: ::rpc_runtime::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: true,
        server_streams: true,
    };
    impl ::core::clone::Clone for FeedClient {
        fn clone(&self) -> Self {
            Self {
                binding: ::core::clone::Clone::clone(&self.binding),
            }
        }
    }
    impl ::core::fmt::Debug for FeedClient {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("FeedClient").finish_non_exhaustive()
        }
    }
    impl ::rpc_runtime::UserStub for FeedClient
    where
        Result<Streaming<Event, FeedError>, FeedError>: ::rpc_runtime::StreamOutcome,
        Streaming<Chunk>: ::rpc_runtime::StreamArgument,
        FeedError: ::rpc_runtime::RemoteError,
        Streaming<String>: ::rpc_runtime::StreamArgument,
        Result<Streaming<String>, CallError>: ::rpc_runtime::StreamOutcome,
    {
        fn interface() -> ::rpc_runtime::idl::Interface {
            let mut interface = ::rpc_runtime::idl::Interface::build("", "Feed", "");
            interface
                .add_method("Watch", "", ::rpc_runtime::idl::MethodKind::Plain)
                .argument::<::rpc_runtime::idl::Text>(1, "topic")
                .returns_items::<
                    <Result<
                        Streaming<Event, FeedError>,
                        FeedError,
                    > as ::rpc_runtime::StreamOutcome>::Item,
                >()
                .error::<
                    <Result<
                        Streaming<Event, FeedError>,
                        FeedError,
                    > as ::rpc_runtime::StreamOutcome>::Error,
                >();
            interface
                .add_method("Upload", "", ::rpc_runtime::idl::MethodKind::Plain)
                .items::<<Streaming<Chunk> as ::rpc_runtime::StreamArgument>::Item>()
                .returns::<<Result<u64, FeedError> as ::rpc_runtime::Outcome>::Value>()
                .error::<<Result<u64, FeedError> as ::rpc_runtime::Outcome>::Error>();
            interface
                .add_method("Chat", "", ::rpc_runtime::idl::MethodKind::Plain)
                .items::<<Streaming<String> as ::rpc_runtime::StreamArgument>::Item>()
                .returns_items::<
                    <Result<
                        Streaming<String>,
                        CallError,
                    > as ::rpc_runtime::StreamOutcome>::Item,
                >()
                .error::<
                    <Result<
                        Streaming<String>,
                        CallError,
                    > as ::rpc_runtime::StreamOutcome>::Error,
                >();
            interface.finish()
        }
        fn from_binding(binding: ::rpc_runtime::Binding) -> Self {
            Self { binding }
        }
        fn as_binding(&self) -> &::rpc_runtime::Binding {
            &self.binding
        }
    }
    impl Feed for FeedClient
    where
        Result<Streaming<Event, FeedError>, FeedError>: ::rpc_runtime::StreamOutcome,
        Streaming<Chunk>: ::rpc_runtime::StreamArgument,
        FeedError: ::rpc_runtime::RemoteError,
        Streaming<String>: ::rpc_runtime::StreamArgument,
        Result<Streaming<String>, CallError>: ::rpc_runtime::StreamOutcome,
    {
        fn watch(
            &self,
            topic: &str,
        ) -> impl ::core::future::Future<
            Output = Result<Streaming<Event, FeedError>, FeedError>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.open(&METHOD_watch);
            outgoing.arguments().str(1, topic);
            outgoing.open::<Result<Streaming<Event, FeedError>, FeedError>>()
        }
        fn upload(
            &self,
            chunks: Streaming<Chunk>,
        ) -> impl ::core::future::Future<
            Output = Result<u64, FeedError>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.open(&METHOD_upload);
            outgoing.items(chunks);
            outgoing.send::<Result<u64, FeedError>>()
        }
        fn chat(
            &self,
            lines: Streaming<String>,
        ) -> impl ::core::future::Future<
            Output = Result<Streaming<String>, CallError>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.open(&METHOD_chat);
            outgoing.items(lines);
            outgoing.open::<Result<Streaming<String>, CallError>>()
        }
    }
    impl<Implementor: Feed> ::rpc_runtime::ServerStub for FeedServer<Implementor>
    where
        Result<Streaming<Event, FeedError>, FeedError>: ::rpc_runtime::StreamOutcome,
        Streaming<Chunk>: ::rpc_runtime::StreamArgument,
        FeedError: ::rpc_runtime::RemoteError,
        Streaming<String>: ::rpc_runtime::StreamArgument,
        Result<Streaming<String>, CallError>: ::rpc_runtime::StreamOutcome,
    {
        type Client = FeedClient;
        fn method(id: u32) -> ::core::option::Option<&'static ::rpc_runtime::Method> {
            match id {
                3961941704 => ::core::option::Option::Some(&METHOD_watch),
                2188345212 => ::core::option::Option::Some(&METHOD_upload),
                578410699 => ::core::option::Option::Some(&METHOD_chat),
                _ => ::core::option::Option::None,
            }
        }
        fn call(&self, incoming: &mut ::rpc_runtime::Incoming<'_>) {
            match incoming.method() {
                3961941704 => {
                    let mut argument_topic = ::core::option::Option::None::<
                        ::rpc_runtime::idl::Text,
                    >;
                    incoming.arguments(&mut [(1, "topic", &mut argument_topic)]);
                    if let (::core::option::Option::Some(argument_topic),) = (
                        argument_topic,
                    ) {
                        let implementation = ::std::sync::Arc::clone(
                            &self.implementation,
                        );
                        incoming
                            .open(async move {
                                <Implementor as Feed>::watch(
                                        &*implementation,
                                        &argument_topic,
                                    )
                                    .await
                            });
                    }
                }
                2188345212 => {
                    let argument_chunks = incoming.items::<Streaming<Chunk>>();
                    let implementation = ::std::sync::Arc::clone(&self.implementation);
                    incoming
                        .run(async move {
                            <Implementor as Feed>::upload(
                                    &*implementation,
                                    argument_chunks,
                                )
                                .await
                        });
                }
                578410699 => {
                    let argument_lines = incoming.items::<Streaming<String>>();
                    let implementation = ::std::sync::Arc::clone(&self.implementation);
                    incoming
                        .open(async move {
                            <Implementor as Feed>::chat(&*implementation, argument_lines)
                                .await
                        });
                }
                _ => {}
            }
        }
    }
    impl<Implementor: Feed + ?::core::marker::Sized> Feed
    for ::std::sync::Arc<Implementor> {
        fn watch(
            &self,
            topic: &str,
        ) -> impl ::core::future::Future<
            Output = Result<Streaming<Event, FeedError>, FeedError>,
        > + ::core::marker::Send {
            <Implementor as Feed>::watch(&**self, topic)
        }
        fn upload(
            &self,
            chunks: Streaming<Chunk>,
        ) -> impl ::core::future::Future<
            Output = Result<u64, FeedError>,
        > + ::core::marker::Send {
            <Implementor as Feed>::upload(&**self, chunks)
        }
        fn chat(
            &self,
            lines: Streaming<String>,
        ) -> impl ::core::future::Future<
            Output = Result<Streaming<String>, CallError>,
        > + ::core::marker::Send {
            <Implementor as Feed>::chat(&**self, lines)
        }
    }
};
