pub(crate) trait Queue<T: Message>: ::core::marker::Send + ::core::marker::Sync + 'static
where
    T: Clone,
{
    fn push(
        &self,
        item: T,
        note: &str,
    ) -> impl ::core::future::Future<
        Output = Result<(), CallError>,
    > + ::core::marker::Send;
}
///The user stub of [`Queue`]: calls its methods on an exporter. Cloning it is cheap; all clones share one binding.
#[allow(dead_code)]
pub(crate) struct QueueClient<T: Message>
where
    T: Clone,
{
    binding: crate::inner::Binding,
    parameters: ::core::marker::PhantomData<fn() -> (T,)>,
}
///The server stub of [`Queue`]: what an exporter exports. Cloning it is cheap; all clones call one implementation.
#[allow(dead_code)]
pub(crate) struct QueueServer<Implementor, T: Message>
where
    T: Clone,
{
    implementation: ::std::sync::Arc<Implementor>,
    parameters: ::core::marker::PhantomData<fn() -> (T,)>,
}
#[allow(dead_code)]
impl<
    T: Message + crate::inner::idl::Message,
    Implementor: Queue<T>,
> QueueServer<Implementor, T>
where
    T: Clone,
{
    ///The server stub of an implementation of [`Queue`], or of an `Arc` of one.
    pub(crate) fn new(implementation: Implementor) -> Self {
        Self {
            implementation: ::std::sync::Arc::new(implementation),
            parameters: ::core::marker::PhantomData,
        }
    }
}
impl<T: Message + crate::inner::idl::Message, Implementor: Queue<T>> ::core::clone::Clone
for QueueServer<Implementor, T>
where
    T: Clone,
{
    fn clone(&self) -> Self {
        Self {
            implementation: ::std::sync::Arc::clone(&self.implementation),
            parameters: ::core::marker::PhantomData,
        }
    }
}
impl<T: Message + crate::inner::idl::Message, Implementor: Queue<T>> ::core::fmt::Debug
for QueueServer<Implementor, T>
where
    T: Clone,
{
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.debug_struct(::core::stringify!(QueueServer)).finish_non_exhaustive()
    }
}
#[doc(hidden)]
#[allow(clippy::all)]
trait DynQueueMethods<T: Message>: ::core::marker::Send + ::core::marker::Sync + 'static
where
    T: Clone,
{
    fn dyn_push<'call>(
        &'call self,
        item: T,
        note: &'call str,
    ) -> ::core::pin::Pin<
        ::std::boxed::Box<
            dyn ::core::future::Future<
                Output = Result<(), CallError>,
            > + ::core::marker::Send + 'call,
        >,
    >;
}
///Any implementation of [`Queue`], as one type. It is one itself; cloning it is cheap.
pub(crate) struct DynQueue<T: Message>(
    ::std::sync::Arc<dyn DynQueueMethods<T>>,
)
where
    T: Clone;
impl<T: Message + crate::inner::idl::Message> DynQueue<T>
where
    T: Clone,
{
    ///Holds this implementation of [`Queue`].
    pub(crate) fn new(implementation: impl Queue<T>) -> Self {
        Self(::std::sync::Arc::new(implementation))
    }
}
#[allow(clippy::all, deprecated, non_upper_case_globals, trivial_bounds)]
const _: () = {
    static METHOD_push: crate::inner::Method = crate::inner::Method {
        name: "Push",
        id: 4039770109,
        kind: crate::inner::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: false,
        server_streams: false,
    };
    impl<T: Message> ::core::clone::Clone for QueueClient<T>
    where
        T: Clone,
    {
        fn clone(&self) -> Self {
            Self {
                binding: ::core::clone::Clone::clone(&self.binding),
                parameters: ::core::marker::PhantomData,
            }
        }
    }
    impl<T: Message> ::core::fmt::Debug for QueueClient<T>
    where
        T: Clone,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("QueueClient").finish_non_exhaustive()
        }
    }
    impl<T: Message + crate::inner::idl::Message> crate::inner::UserStub
    for QueueClient<T>
    where
        T: Clone,
        T: crate::inner::idl::Message,
        CallError: crate::inner::RemoteError,
    {
        fn interface() -> crate::inner::idl::Interface {
            let mut interface = crate::inner::idl::Interface::build("", "Line", "")
                .type_parameter::<T>();
            interface
                .add_method("Push", "", crate::inner::idl::MethodKind::Plain)
                .argument::<T>(1, "item")
                .argument::<crate::inner::idl::Text>(2, "note")
                .returns::<<Result<(), CallError> as crate::inner::Outcome>::Value>()
                .error::<<Result<(), CallError> as crate::inner::Outcome>::Error>();
            interface.finish()
        }
        fn from_binding(binding: crate::inner::Binding) -> Self {
            Self {
                binding,
                parameters: ::core::marker::PhantomData,
            }
        }
        fn as_binding(&self) -> &crate::inner::Binding {
            &self.binding
        }
    }
    impl<T: Message + crate::inner::idl::Message> Queue<T> for QueueClient<T>
    where
        T: Clone,
        T: crate::inner::idl::Message,
        CallError: crate::inner::RemoteError,
    {
        fn push(
            &self,
            item: T,
            note: &str,
        ) -> impl ::core::future::Future<
            Output = Result<(), CallError>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.call(&METHOD_push);
            <T as crate::inner::idl::Message>::encode(&item, 1, outgoing.arguments());
            outgoing.arguments().str(2, note);
            outgoing.send::<Result<(), CallError>>()
        }
    }
    impl<
        T: Message + crate::inner::idl::Message,
        Implementor: Queue<T>,
    > crate::inner::ServerStub for QueueServer<Implementor, T>
    where
        T: Clone,
        T: crate::inner::idl::Message,
        CallError: crate::inner::RemoteError,
    {
        type Client = QueueClient<T>;
        fn method(id: u32) -> ::core::option::Option<&'static crate::inner::Method> {
            match id {
                4039770109 => ::core::option::Option::Some(&METHOD_push),
                _ => ::core::option::Option::None,
            }
        }
        fn call(&self, incoming: &mut crate::inner::Incoming<'_>) {
            match incoming.method() {
                4039770109 => {
                    let mut argument_item = ::core::option::Option::None::<T>;
                    let mut argument_note = ::core::option::Option::None::<
                        crate::inner::idl::Text,
                    >;
                    incoming
                        .arguments(
                            &mut [
                                (1, "item", &mut argument_item),
                                (2, "note", &mut argument_note),
                            ],
                        );
                    if let (
                        ::core::option::Option::Some(argument_item),
                        ::core::option::Option::Some(argument_note),
                    ) = (argument_item, argument_note) {
                        let implementation = ::std::sync::Arc::clone(
                            &self.implementation,
                        );
                        incoming
                            .run(async move {
                                <Implementor as Queue<
                                    T,
                                >>::push(&*implementation, argument_item, &argument_note)
                                    .await
                            });
                    }
                }
                _ => {}
            }
        }
    }
    impl<
        T: Message + crate::inner::idl::Message,
        Implementor: Queue<T> + ?::core::marker::Sized,
    > Queue<T> for ::std::sync::Arc<Implementor>
    where
        T: Clone,
    {
        fn push(
            &self,
            item: T,
            note: &str,
        ) -> impl ::core::future::Future<
            Output = Result<(), CallError>,
        > + ::core::marker::Send {
            <Implementor as Queue<T>>::push(&**self, item, note)
        }
    }
    impl<T: Message> ::core::clone::Clone for DynQueue<T>
    where
        T: Clone,
    {
        fn clone(&self) -> Self {
            Self(::std::sync::Arc::clone(&self.0))
        }
    }
    impl<T: Message> ::core::fmt::Debug for DynQueue<T>
    where
        T: Clone,
    {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("DynQueue").finish_non_exhaustive()
        }
    }
    impl<T: Message + crate::inner::idl::Message> Queue<T> for DynQueue<T>
    where
        T: Clone,
    {
        fn push(
            &self,
            item: T,
            note: &str,
        ) -> impl ::core::future::Future<
            Output = Result<(), CallError>,
        > + ::core::marker::Send {
            async move { self.0.dyn_push(item, note).await }
        }
    }
    impl<
        T: Message + crate::inner::idl::Message,
        Implementor: Queue<T>,
    > DynQueueMethods<T> for Implementor
    where
        T: Clone,
    {
        fn dyn_push<'call>(
            &'call self,
            item: T,
            note: &'call str,
        ) -> ::core::pin::Pin<
            ::std::boxed::Box<
                dyn ::core::future::Future<
                    Output = Result<(), CallError>,
                > + ::core::marker::Send + 'call,
            >,
        > {
            ::std::boxed::Box::pin(<Self as Queue<T>>::push(self, item, note))
        }
    }
};
