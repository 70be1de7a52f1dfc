/// A library.
pub trait Store: ::core::marker::Send + ::core::marker::Sync + 'static {
    /// Lends one copy of `title`.
    fn check_out(
        &self,
        customer: u64,
        title: String,
    ) -> impl ::core::future::Future<
        Output = Result<Loan, StoreError>,
    > + ::core::marker::Send;
    fn titles(
        &self,
    ) -> impl ::core::future::Future<
        Output = Answer<Vec<String>>,
    > + ::core::marker::Send;
    fn tell(
        &self,
        who: &str,
        what: &[u8],
        list: &[Loan],
        one: &Loan,
        at: u64,
    ) -> impl ::core::future::Future<
        Output = Result<(), CallError>,
    > + ::core::marker::Send;
    /// Has a body of its own.
    #[allow(clippy::manual_async_fn)]
    fn count(
        &self,
        _of: u32,
    ) -> impl ::core::future::Future<
        Output = Result<u32, StoreError>,
    > + ::core::marker::Send {
        async move { Ok(self.titles().await?.len() as u32) }
    }
}
///The user stub of [`Store`]: calls its methods on an exporter. Cloning it is cheap; all clones share one binding.
#[allow(dead_code)]
pub struct StoreClient {
    binding: ::rpc_runtime::Binding,
}
///The server stub of [`Store`]: what an exporter exports. Cloning it is cheap; all clones call one implementation.
#[allow(dead_code)]
pub struct StoreServer<Implementor> {
    implementation: ::std::sync::Arc<Implementor>,
}
#[allow(dead_code)]
impl<Implementor: Store> StoreServer<Implementor> {
    ///The server stub of an implementation of [`Store`], or of an `Arc` of one.
    pub fn new(implementation: Implementor) -> Self {
        Self {
            implementation: ::std::sync::Arc::new(implementation),
        }
    }
}
impl<Implementor: Store> ::core::clone::Clone for StoreServer<Implementor> {
    fn clone(&self) -> Self {
        Self {
            implementation: ::std::sync::Arc::clone(&self.implementation),
        }
    }
}
impl<Implementor: Store> ::core::fmt::Debug for StoreServer<Implementor> {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.debug_struct(::core::stringify!(StoreServer)).finish_non_exhaustive()
    }
}
#[allow(clippy::all, deprecated, non_upper_case_globals, trivial_bounds)]
const _: () = {
    static METHOD_check_out: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "CheckOut",
        id: 3841988537,
        kind: ::rpc_runtime::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: false,
        server_streams: false,
    };
    static METHOD_titles: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "Titles",
        id: 3564059182,
        kind: ::rpc_runtime::idl::MethodKind::Idempotent,
        timeout: ::core::option::Option::Some(::core::time::Duration::from_millis(250)),
        client_streams: false,
        server_streams: false,
    };
    static METHOD_tell: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "Hear",
        id: 2828475173,
        kind: ::rpc_runtime::idl::MethodKind::Oneway,
        timeout: ::core::option::Option::Some(::core::time::Duration::from_secs(60)),
        client_streams: false,
        server_streams: false,
    };
    static METHOD_count: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "Count",
        id: 3790059668,
        kind: ::rpc_runtime::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: false,
        server_streams: false,
    };
    impl ::core::clone::Clone for StoreClient {
        fn clone(&self) -> Self {
            Self {
                binding: ::core::clone::Clone::clone(&self.binding),
            }
        }
    }
    impl ::core::fmt::Debug for StoreClient {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("StoreClient").finish_non_exhaustive()
        }
    }
    impl ::rpc_runtime::UserStub for StoreClient
    where
        Loan: ::rpc_runtime::idl::Message,
        StoreError: ::rpc_runtime::RemoteError,
        Answer<Vec<String>>: ::rpc_runtime::Outcome,
        u64: ::rpc_runtime::idl::wire_as::As<::rpc_runtime::idl::wire_as::Fixed64>,
        CallError: ::rpc_runtime::RemoteError,
    {
        fn interface() -> ::rpc_runtime::idl::Interface {
            let mut interface = ::rpc_runtime::idl::Interface::build(
                "library.v1",
                "Store",
                "A library.",
            );
            interface
                .add_method(
                    "CheckOut",
                    "Lends one copy of `title`.",
                    ::rpc_runtime::idl::MethodKind::Plain,
                )
                .argument::<u64>(1, "customer")
                .argument::<String>(2, "title")
                .returns::<<Result<Loan, StoreError> as ::rpc_runtime::Outcome>::Value>()
                .error::<<Result<Loan, StoreError> as ::rpc_runtime::Outcome>::Error>();
            interface
                .add_method("Titles", "", ::rpc_runtime::idl::MethodKind::Idempotent)
                .returns::<<Answer<Vec<String>> as ::rpc_runtime::Outcome>::Value>()
                .error::<<Answer<Vec<String>> as ::rpc_runtime::Outcome>::Error>();
            interface
                .add_method("Hear", "", ::rpc_runtime::idl::MethodKind::Oneway)
                .argument::<::rpc_runtime::idl::Text>(1, "who")
                .argument::<::rpc_runtime::idl::Bytes>(7, "body")
                .argument::<::std::vec::Vec<Loan>>(8, "list")
                .argument::<Loan>(9, "one")
                .argument_as::<::rpc_runtime::idl::wire_as::Fixed64, u64>(10, "at")
                .returns::<<Result<(), CallError> as ::rpc_runtime::Outcome>::Value>()
                .error::<<Result<(), CallError> as ::rpc_runtime::Outcome>::Error>();
            interface
                .add_method(
                    "Count",
                    "Has a body of its own.",
                    ::rpc_runtime::idl::MethodKind::Plain,
                )
                .argument::<u32>(1, "of")
                .returns::<<Result<u32, StoreError> as ::rpc_runtime::Outcome>::Value>()
                .error::<<Result<u32, StoreError> as ::rpc_runtime::Outcome>::Error>();
            interface.finish()
        }
        fn from_binding(binding: ::rpc_runtime::Binding) -> Self {
            Self { binding }
        }
        fn as_binding(&self) -> &::rpc_runtime::Binding {
            &self.binding
        }
    }
    impl Store for StoreClient
    where
        Loan: ::rpc_runtime::idl::Message,
        StoreError: ::rpc_runtime::RemoteError,
        Answer<Vec<String>>: ::rpc_runtime::Outcome,
        u64: ::rpc_runtime::idl::wire_as::As<::rpc_runtime::idl::wire_as::Fixed64>,
        CallError: ::rpc_runtime::RemoteError,
    {
        fn check_out(
            &self,
            customer: u64,
            title: String,
        ) -> impl ::core::future::Future<
            Output = Result<Loan, StoreError>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.call(&METHOD_check_out);
            <u64 as ::rpc_runtime::idl::Message>::encode(
                &customer,
                1,
                outgoing.arguments(),
            );
            <String as ::rpc_runtime::idl::Message>::encode(
                &title,
                2,
                outgoing.arguments(),
            );
            outgoing.send::<Result<Loan, StoreError>>()
        }
        fn titles(
            &self,
        ) -> impl ::core::future::Future<
            Output = Answer<Vec<String>>,
        > + ::core::marker::Send {
            let outgoing = self.binding.call(&METHOD_titles);
            outgoing.send::<Answer<Vec<String>>>()
        }
        fn tell(
            &self,
            who: &str,
            what: &[u8],
            list: &[Loan],
            one: &Loan,
            at: u64,
        ) -> impl ::core::future::Future<
            Output = Result<(), CallError>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.call(&METHOD_tell);
            outgoing.arguments().str(1, who);
            outgoing.arguments().bytes(7, what);
            <Loan as ::rpc_runtime::idl::Message>::encode_slice(
                list,
                8,
                outgoing.arguments(),
            );
            <Loan as ::rpc_runtime::idl::Message>::encode(one, 9, outgoing.arguments());
            <u64 as ::rpc_runtime::idl::wire_as::As<
                ::rpc_runtime::idl::wire_as::Fixed64,
            >>::encode(&at, 10, outgoing.arguments());
            outgoing.send::<Result<(), CallError>>()
        }
        fn count(
            &self,
            _of: u32,
        ) -> impl ::core::future::Future<
            Output = Result<u32, StoreError>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.call(&METHOD_count);
            <u32 as ::rpc_runtime::idl::Message>::encode(&_of, 1, outgoing.arguments());
            outgoing.send::<Result<u32, StoreError>>()
        }
    }
    impl<Implementor: Store> ::rpc_runtime::ServerStub for StoreServer<Implementor>
    where
        Loan: ::rpc_runtime::idl::Message,
        StoreError: ::rpc_runtime::RemoteError,
        Answer<Vec<String>>: ::rpc_runtime::Outcome,
        u64: ::rpc_runtime::idl::wire_as::As<::rpc_runtime::idl::wire_as::Fixed64>,
        CallError: ::rpc_runtime::RemoteError,
    {
        type Client = StoreClient;
        fn method(id: u32) -> ::core::option::Option<&'static ::rpc_runtime::Method> {
            match id {
                3841988537 => ::core::option::Option::Some(&METHOD_check_out),
                3564059182 => ::core::option::Option::Some(&METHOD_titles),
                2828475173 => ::core::option::Option::Some(&METHOD_tell),
                3790059668 => ::core::option::Option::Some(&METHOD_count),
                _ => ::core::option::Option::None,
            }
        }
        fn call(&self, incoming: &mut ::rpc_runtime::Incoming<'_>) {
            match incoming.method() {
                3841988537 => {
                    let mut argument_customer = ::core::option::Option::None::<u64>;
                    let mut argument_title = ::core::option::Option::None::<String>;
                    incoming
                        .arguments(
                            &mut [
                                (1, "customer", &mut argument_customer),
                                (2, "title", &mut argument_title),
                            ],
                        );
                    if let (
                        ::core::option::Option::Some(argument_customer),
                        ::core::option::Option::Some(argument_title),
                    ) = (argument_customer, argument_title) {
                        let implementation = ::std::sync::Arc::clone(
                            &self.implementation,
                        );
                        incoming
                            .run(async move {
                                <Implementor as Store>::check_out(
                                        &*implementation,
                                        argument_customer,
                                        argument_title,
                                    )
                                    .await
                            });
                    }
                }
                3564059182 => {
                    let implementation = ::std::sync::Arc::clone(&self.implementation);
                    incoming
                        .run(async move {
                            <Implementor as Store>::titles(&*implementation).await
                        });
                }
                2828475173 => {
                    let mut argument_who = ::core::option::Option::None::<
                        ::rpc_runtime::idl::Text,
                    >;
                    let mut argument_what = ::core::option::Option::None::<
                        ::rpc_runtime::idl::Bytes,
                    >;
                    let mut argument_list = ::core::option::Option::None::<
                        ::std::vec::Vec<Loan>,
                    >;
                    let mut argument_one = ::core::option::Option::None::<Loan>;
                    let mut argument_at = ::core::option::Option::None::<u64>;
                    incoming
                        .arguments(
                            &mut [
                                (1, "who", &mut argument_who),
                                (7, "body", &mut argument_what),
                                (8, "list", &mut argument_list),
                                (9, "one", &mut argument_one),
                                (
                                    10,
                                    "at",
                                    &mut <u64 as ::rpc_runtime::idl::wire_as::As<
                                        ::rpc_runtime::idl::wire_as::Fixed64,
                                    >>::slot(&mut argument_at),
                                ),
                            ],
                        );
                    if let (
                        ::core::option::Option::Some(argument_who),
                        ::core::option::Option::Some(argument_what),
                        ::core::option::Option::Some(argument_list),
                        ::core::option::Option::Some(argument_one),
                        ::core::option::Option::Some(argument_at),
                    ) = (
                        argument_who,
                        argument_what,
                        argument_list,
                        argument_one,
                        argument_at,
                    ) {
                        let implementation = ::std::sync::Arc::clone(
                            &self.implementation,
                        );
                        incoming
                            .run(async move {
                                <Implementor as Store>::tell(
                                        &*implementation,
                                        &argument_who,
                                        &argument_what,
                                        &argument_list,
                                        &argument_one,
                                        argument_at,
                                    )
                                    .await
                            });
                    }
                }
                3790059668 => {
                    let mut argument_of = ::core::option::Option::None::<u32>;
                    incoming.arguments(&mut [(1, "of", &mut argument_of)]);
                    if let (::core::option::Option::Some(argument_of),) = (
                        argument_of,
                    ) {
                        let implementation = ::std::sync::Arc::clone(
                            &self.implementation,
                        );
                        incoming
                            .run(async move {
                                <Implementor as Store>::count(&*implementation, argument_of)
                                    .await
                            });
                    }
                }
                _ => {}
            }
        }
    }
    impl<Implementor: Store + ?::core::marker::Sized> Store
    for ::std::sync::Arc<Implementor> {
        fn check_out(
            &self,
            customer: u64,
            title: String,
        ) -> impl ::core::future::Future<
            Output = Result<Loan, StoreError>,
        > + ::core::marker::Send {
            <Implementor as Store>::check_out(&**self, customer, title)
        }
        fn titles(
            &self,
        ) -> impl ::core::future::Future<
            Output = Answer<Vec<String>>,
        > + ::core::marker::Send {
            <Implementor as Store>::titles(&**self)
        }
        fn tell(
            &self,
            who: &str,
            what: &[u8],
            list: &[Loan],
            one: &Loan,
            at: u64,
        ) -> impl ::core::future::Future<
            Output = Result<(), CallError>,
        > + ::core::marker::Send {
            <Implementor as Store>::tell(&**self, who, what, list, one, at)
        }
        fn count(
            &self,
            _of: u32,
        ) -> impl ::core::future::Future<
            Output = Result<u32, StoreError>,
        > + ::core::marker::Send {
            <Implementor as Store>::count(&**self, _of)
        }
    }
};
