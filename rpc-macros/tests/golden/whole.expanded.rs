pub trait RouteGuide: ::core::marker::Send + ::core::marker::Sync + 'static {
    fn get_feature(
        &self,
        request: Point,
    ) -> impl ::core::future::Future<
        Output = Result<Feature, CallError>,
    > + ::core::marker::Send;
    fn get_feature_by(
        &self,
        point: &Point,
    ) -> impl ::core::future::Future<Output = Answer<Feature>> + ::core::marker::Send;
    fn list_features(
        &self,
        request: Rectangle,
    ) -> impl ::core::future::Future<
        Output = Result<Streaming<Feature>, CallError>,
    > + ::core::marker::Send;
    fn record_route(
        &self,
        request: Streaming<Point>,
    ) -> impl ::core::future::Future<
        Output = Result<RouteSummary, CallError>,
    > + ::core::marker::Send;
    fn ping(
        &self,
    ) -> impl ::core::future::Future<
        Output = Result<(), CallError>,
    > + ::core::marker::Send;
}
///The user stub of [`RouteGuide`]: calls its methods on an exporter. Cloning it is cheap; all clones share one binding.
#[allow(dead_code)]
pub struct RouteGuideClient {
    binding: ::rpc_runtime::Binding,
}
///The server stub of [`RouteGuide`]: what an exporter exports. Cloning it is cheap; all clones call one implementation.
#[allow(dead_code)]
pub struct RouteGuideServer<Implementor> {
    implementation: ::std::sync::Arc<Implementor>,
}
#[allow(dead_code)]
impl<Implementor: RouteGuide> RouteGuideServer<Implementor> {
    ///The server stub of an implementation of [`RouteGuide`], or of an `Arc` of one.
    pub fn new(implementation: Implementor) -> Self {
        Self {
            implementation: ::std::sync::Arc::new(implementation),
        }
    }
}
impl<Implementor: RouteGuide> ::core::clone::Clone for RouteGuideServer<Implementor> {
    fn clone(&self) -> Self {
        Self {
            implementation: ::std::sync::Arc::clone(&self.implementation),
        }
    }
}
impl<Implementor: RouteGuide> ::core::fmt::Debug for RouteGuideServer<Implementor> {
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.debug_struct(::core::stringify!(RouteGuideServer)).finish_non_exhaustive()
    }
}
#[allow(clippy::all, deprecated, non_upper_case_globals, trivial_bounds)]
const _: () = {
    static METHOD_get_feature: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "GetFeature",
        id: 3620718443,
        kind: ::rpc_runtime::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: false,
        server_streams: false,
    };
    static METHOD_get_feature_by: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "getFeatureBy",
        id: 3405196118,
        kind: ::rpc_runtime::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: false,
        server_streams: false,
    };
    static METHOD_list_features: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "ListFeatures",
        id: 2492187038,
        kind: ::rpc_runtime::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: false,
        server_streams: true,
    };
    static METHOD_record_route: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "RecordRoute",
        id: 2582508049,
        kind: ::rpc_runtime::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: true,
        server_streams: false,
    };
    static METHOD_ping: ::rpc_runtime::Method = ::rpc_runtime::Method {
        name: "Ping",
        id: 2142761129,
        kind: ::rpc_runtime::idl::MethodKind::Plain,
        timeout: ::core::option::Option::None,
        client_streams: false,
        server_streams: false,
    };
    impl ::core::clone::Clone for RouteGuideClient {
        fn clone(&self) -> Self {
            Self {
                binding: ::core::clone::Clone::clone(&self.binding),
            }
        }
    }
    impl ::core::fmt::Debug for RouteGuideClient {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            f.debug_struct("RouteGuideClient").finish_non_exhaustive()
        }
    }
    impl ::rpc_runtime::UserStub for RouteGuideClient
    where
        Point: ::rpc_runtime::idl::Message,
        Feature: ::rpc_runtime::idl::Message,
        CallError: ::rpc_runtime::RemoteError,
        Answer<Feature>: ::rpc_runtime::Outcome,
        Rectangle: ::rpc_runtime::idl::Message,
        Result<Streaming<Feature>, CallError>: ::rpc_runtime::StreamOutcome,
        Streaming<Point>: ::rpc_runtime::StreamArgument,
        RouteSummary: ::rpc_runtime::idl::Message,
    {
        fn interface() -> ::rpc_runtime::idl::Interface {
            let mut interface = ::rpc_runtime::idl::Interface::build(
                "routeguide",
                "RouteGuide",
                "",
            );
            interface
                .add_method("GetFeature", "", ::rpc_runtime::idl::MethodKind::Plain)
                .request::<Point>()
                .response::<
                    <Result<Feature, CallError> as ::rpc_runtime::Outcome>::Value,
                >()
                .error::<
                    <Result<Feature, CallError> as ::rpc_runtime::Outcome>::Error,
                >();
            interface
                .add_method("getFeatureBy", "", ::rpc_runtime::idl::MethodKind::Plain)
                .request::<Point>()
                .response::<<Answer<Feature> as ::rpc_runtime::Outcome>::Value>()
                .error::<<Answer<Feature> as ::rpc_runtime::Outcome>::Error>();
            interface
                .add_method("ListFeatures", "", ::rpc_runtime::idl::MethodKind::Plain)
                .request::<Rectangle>()
                .returns_items::<
                    <Result<
                        Streaming<Feature>,
                        CallError,
                    > as ::rpc_runtime::StreamOutcome>::Item,
                >()
                .error::<
                    <Result<
                        Streaming<Feature>,
                        CallError,
                    > as ::rpc_runtime::StreamOutcome>::Error,
                >();
            interface
                .add_method("RecordRoute", "", ::rpc_runtime::idl::MethodKind::Plain)
                .items::<<Streaming<Point> as ::rpc_runtime::StreamArgument>::Item>()
                .response::<
                    <Result<RouteSummary, CallError> as ::rpc_runtime::Outcome>::Value,
                >()
                .error::<
                    <Result<RouteSummary, CallError> as ::rpc_runtime::Outcome>::Error,
                >();
            interface
                .add_method("Ping", "", ::rpc_runtime::idl::MethodKind::Plain)
                .request::<()>()
                .response::<<Result<(), CallError> as ::rpc_runtime::Outcome>::Value>()
                .error::<<Result<(), CallError> as ::rpc_runtime::Outcome>::Error>();
            interface.finish()
        }
        fn from_binding(binding: ::rpc_runtime::Binding) -> Self {
            Self { binding }
        }
        fn as_binding(&self) -> &::rpc_runtime::Binding {
            &self.binding
        }
    }
    impl RouteGuide for RouteGuideClient
    where
        Point: ::rpc_runtime::idl::Message,
        Feature: ::rpc_runtime::idl::Message,
        CallError: ::rpc_runtime::RemoteError,
        Answer<Feature>: ::rpc_runtime::Outcome,
        Rectangle: ::rpc_runtime::idl::Message,
        Result<Streaming<Feature>, CallError>: ::rpc_runtime::StreamOutcome,
        Streaming<Point>: ::rpc_runtime::StreamArgument,
        RouteSummary: ::rpc_runtime::idl::Message,
    {
        fn get_feature(
            &self,
            request: Point,
        ) -> impl ::core::future::Future<
            Output = Result<Feature, CallError>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.call(&METHOD_get_feature);
            <Point as ::rpc_runtime::idl::Message>::encode_fields(
                &request,
                outgoing.arguments(),
            );
            async move {
                outgoing
                    .send::<::rpc_runtime::Whole<Result<Feature, CallError>>>()
                    .await
                    .0
            }
        }
        fn get_feature_by(
            &self,
            point: &Point,
        ) -> impl ::core::future::Future<
            Output = Answer<Feature>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.call(&METHOD_get_feature_by);
            <Point as ::rpc_runtime::idl::Message>::encode_fields(
                point,
                outgoing.arguments(),
            );
            async move {
                outgoing.send::<::rpc_runtime::Whole<Answer<Feature>>>().await.0
            }
        }
        fn list_features(
            &self,
            request: Rectangle,
        ) -> impl ::core::future::Future<
            Output = Result<Streaming<Feature>, CallError>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.open(&METHOD_list_features);
            <Rectangle as ::rpc_runtime::idl::Message>::encode_fields(
                &request,
                outgoing.arguments(),
            );
            outgoing.open::<Result<Streaming<Feature>, CallError>>()
        }
        fn record_route(
            &self,
            request: Streaming<Point>,
        ) -> impl ::core::future::Future<
            Output = Result<RouteSummary, CallError>,
        > + ::core::marker::Send {
            let mut outgoing = self.binding.open(&METHOD_record_route);
            outgoing.items(request);
            async move {
                outgoing
                    .send::<::rpc_runtime::Whole<Result<RouteSummary, CallError>>>()
                    .await
                    .0
            }
        }
        fn ping(
            &self,
        ) -> impl ::core::future::Future<
            Output = Result<(), CallError>,
        > + ::core::marker::Send {
            let outgoing = self.binding.call(&METHOD_ping);
            async move {
                outgoing.send::<::rpc_runtime::Whole<Result<(), CallError>>>().await.0
            }
        }
    }
    impl<Implementor: RouteGuide> ::rpc_runtime::ServerStub
    for RouteGuideServer<Implementor>
    where
        Point: ::rpc_runtime::idl::Message,
        Feature: ::rpc_runtime::idl::Message,
        CallError: ::rpc_runtime::RemoteError,
        Answer<Feature>: ::rpc_runtime::Outcome,
        Rectangle: ::rpc_runtime::idl::Message,
        Result<Streaming<Feature>, CallError>: ::rpc_runtime::StreamOutcome,
        Streaming<Point>: ::rpc_runtime::StreamArgument,
        RouteSummary: ::rpc_runtime::idl::Message,
    {
        type Client = RouteGuideClient;
        fn method(id: u32) -> ::core::option::Option<&'static ::rpc_runtime::Method> {
            match id {
                3620718443 => ::core::option::Option::Some(&METHOD_get_feature),
                3405196118 => ::core::option::Option::Some(&METHOD_get_feature_by),
                2492187038 => ::core::option::Option::Some(&METHOD_list_features),
                2582508049 => ::core::option::Option::Some(&METHOD_record_route),
                2142761129 => ::core::option::Option::Some(&METHOD_ping),
                _ => ::core::option::Option::None,
            }
        }
        fn call(&self, incoming: &mut ::rpc_runtime::Incoming<'_>) {
            match incoming.method() {
                3620718443 => {
                    if let ::core::option::Option::Some(argument_request) = incoming
                        .request::<Point>()
                    {
                        let implementation = ::std::sync::Arc::clone(
                            &self.implementation,
                        );
                        incoming
                            .run(async move {
                                ::rpc_runtime::Whole(
                                    <Implementor as RouteGuide>::get_feature(
                                            &*implementation,
                                            argument_request,
                                        )
                                        .await,
                                )
                            });
                    }
                }
                3405196118 => {
                    if let ::core::option::Option::Some(argument_point) = incoming
                        .request::<Point>()
                    {
                        let implementation = ::std::sync::Arc::clone(
                            &self.implementation,
                        );
                        incoming
                            .run(async move {
                                ::rpc_runtime::Whole(
                                    <Implementor as RouteGuide>::get_feature_by(
                                            &*implementation,
                                            &argument_point,
                                        )
                                        .await,
                                )
                            });
                    }
                }
                2492187038 => {
                    if let ::core::option::Option::Some(argument_request) = incoming
                        .request::<Rectangle>()
                    {
                        let implementation = ::std::sync::Arc::clone(
                            &self.implementation,
                        );
                        incoming
                            .open(async move {
                                <Implementor as RouteGuide>::list_features(
                                        &*implementation,
                                        argument_request,
                                    )
                                    .await
                            });
                    }
                }
                2582508049 => {
                    let argument_request = incoming.items::<Streaming<Point>>();
                    let implementation = ::std::sync::Arc::clone(&self.implementation);
                    incoming
                        .run(async move {
                            ::rpc_runtime::Whole(
                                <Implementor as RouteGuide>::record_route(
                                        &*implementation,
                                        argument_request,
                                    )
                                    .await,
                            )
                        });
                }
                2142761129 => {
                    let implementation = ::std::sync::Arc::clone(&self.implementation);
                    incoming
                        .run(async move {
                            ::rpc_runtime::Whole(
                                <Implementor as RouteGuide>::ping(&*implementation).await,
                            )
                        });
                }
                _ => {}
            }
        }
    }
    impl<Implementor: RouteGuide + ?::core::marker::Sized> RouteGuide
    for ::std::sync::Arc<Implementor> {
        fn get_feature(
            &self,
            request: Point,
        ) -> impl ::core::future::Future<
            Output = Result<Feature, CallError>,
        > + ::core::marker::Send {
            <Implementor as RouteGuide>::get_feature(&**self, request)
        }
        fn get_feature_by(
            &self,
            point: &Point,
        ) -> impl ::core::future::Future<
            Output = Answer<Feature>,
        > + ::core::marker::Send {
            <Implementor as RouteGuide>::get_feature_by(&**self, point)
        }
        fn list_features(
            &self,
            request: Rectangle,
        ) -> impl ::core::future::Future<
            Output = Result<Streaming<Feature>, CallError>,
        > + ::core::marker::Send {
            <Implementor as RouteGuide>::list_features(&**self, request)
        }
        fn record_route(
            &self,
            request: Streaming<Point>,
        ) -> impl ::core::future::Future<
            Output = Result<RouteSummary, CallError>,
        > + ::core::marker::Send {
            <Implementor as RouteGuide>::record_route(&**self, request)
        }
        fn ping(
            &self,
        ) -> impl ::core::future::Future<
            Output = Result<(), CallError>,
        > + ::core::marker::Send {
            <Implementor as RouteGuide>::ping(&**self)
        }
    }
};
