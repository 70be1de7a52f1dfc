#[automatically_derived]
impl ::rpc_runtime::idl::Message for StoreError {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        match self {
            Self::NoSuchTitle { title: field_title } => {
                out.message(
                    1,
                    |out| {
                        <String as ::rpc_runtime::idl::Message>::encode(
                            field_title,
                            1,
                            out,
                        );
                    },
                )
            }
            Self::Full {} => out.empty(2),
            Self::Manager { 0: field_1 } => {
                out.key(3, <ManagerError as ::rpc_runtime::idl::Message>::WIRE);
                <ManagerError as ::rpc_runtime::idl::Message>::encode_value(
                    field_1,
                    out,
                );
            }
            Self::Io { .. } => {
                let text = ::std::string::ToString::to_string(self);
                out.field(2047, &::rpc_runtime::CallError::failed(text));
            }
            Self::Call { 0: field_1 } => {
                out.key(2047, <CallError as ::rpc_runtime::idl::Message>::WIRE);
                <CallError as ::rpc_runtime::idl::Message>::encode_value(field_1, out);
            }
        }
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        let mut found = before;
        while let ::core::option::Option::Some((tag, wire)) = r.next_field()? {
            match tag {
                1 => {
                    let value = r
                        .message(
                            wire,
                            |r| {
                                let (mut field_title,) = match found {
                                    ::core::option::Option::Some(
                                        Self::NoSuchTitle { title: field_title },
                                    ) => (::core::option::Option::Some(field_title),),
                                    _ => (::core::option::Option::None,),
                                };
                                while let ::core::option::Option::Some((tag, wire)) = r
                                    .next_field()?
                                {
                                    match tag {
                                        1 => r.merge::<String>(&mut field_title, wire, "title"),
                                        _ => r.skip(wire),
                                    }?;
                                }
                                ::core::result::Result::Ok(Self::NoSuchTitle {
                                    title: ::rpc_runtime::idl::present::<
                                        String,
                                    >(&mut field_title, "title")?,
                                })
                            },
                        );
                    found = ::core::option::Option::Some(
                        value.map_err(|error| error.in_field("NoSuchTitle"))?,
                    );
                }
                2 => {
                    r.empty(wire)?;
                    found = ::core::option::Option::Some(Self::Full {});
                }
                3 => {
                    let _ = <ManagerError as ::rpc_runtime::idl::Message>::WIRE;
                    let before = match found {
                        ::core::option::Option::Some(Self::Manager { 0: field_1 }) => {
                            ::core::option::Option::Some(field_1)
                        }
                        _ => ::core::option::Option::None,
                    };
                    found = ::core::option::Option::Some(Self::Manager {
                        0: r.field::<ManagerError>(before, wire, "Manager")?,
                    });
                }
                2047 => {
                    let _ = <CallError as ::rpc_runtime::idl::Message>::WIRE;
                    let before = match found {
                        ::core::option::Option::Some(Self::Call { 0: field_1 }) => {
                            ::core::option::Option::Some(field_1)
                        }
                        _ => ::core::option::Option::None,
                    };
                    found = ::core::option::Option::Some(Self::Call {
                        0: r.field::<CallError>(before, wire, "Call")?,
                    });
                }
                _ => r.skip(wire)?,
            }
        }
        ::rpc_runtime::idl::variant(found, "StoreError")
    }
    fn absent() -> ::core::option::Option<Self> {
        ::core::option::Option::None
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry
            .oneof::<
                Self,
            >(
                "StoreError",
                ::core::module_path!(),
                "",
                |m| {
                    m.message(
                        1,
                        "NoSuchTitle",
                        "",
                        |m| {
                            m.field::<String>(1, "title", "");
                        },
                    );
                    m.unit(2, "Full", "");
                    let _ = <ManagerError as ::rpc_runtime::idl::Message>::WIRE;
                    m.value::<ManagerError>(3, "Manager", "");
                    let _ = <CallError as ::rpc_runtime::idl::Message>::WIRE;
                    m.value::<CallError>(2047, "Call", "");
                },
            )
    }
}
#[automatically_derived]
impl ::rpc_runtime::RemoteError for StoreError {
    fn call_error(&self) -> ::core::option::Option<&::rpc_runtime::CallError> {
        match self {
            Self::Call { 0: error } => ::core::option::Option::Some(error),
            _ => ::core::option::Option::None,
        }
    }
    fn text(&self) -> ::core::option::Option<::std::string::String> {
        match self {
            Self::Io { .. } => {
                ::core::option::Option::Some(::std::string::ToString::to_string(self))
            }
            _ => ::core::option::Option::None,
        }
    }
}
#[automatically_derived]
impl ::rpc_runtime::idl::Message for OnlyCalls {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        match self {
            Self::Call { source: field_source } => {
                out.key(
                    2047,
                    <rpc_runtime::CallError as ::rpc_runtime::idl::Message>::WIRE,
                );
                <rpc_runtime::CallError as ::rpc_runtime::idl::Message>::encode_value(
                    field_source,
                    out,
                );
            }
        }
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        let mut found = before;
        while let ::core::option::Option::Some((tag, wire)) = r.next_field()? {
            match tag {
                2047 => {
                    let _ = <rpc_runtime::CallError as ::rpc_runtime::idl::Message>::WIRE;
                    let before = match found {
                        ::core::option::Option::Some(
                            Self::Call { source: field_source },
                        ) => ::core::option::Option::Some(field_source),
                        _ => ::core::option::Option::None,
                    };
                    found = ::core::option::Option::Some(Self::Call {
                        source: r.field::<rpc_runtime::CallError>(before, wire, "Call")?,
                    });
                }
                _ => r.skip(wire)?,
            }
        }
        ::rpc_runtime::idl::variant(found, "OnlyCalls")
    }
    fn absent() -> ::core::option::Option<Self> {
        ::core::option::Option::None
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry
            .oneof::<
                Self,
            >(
                "OnlyCalls",
                ::core::module_path!(),
                "",
                |m| {
                    let _ = <rpc_runtime::CallError as ::rpc_runtime::idl::Message>::WIRE;
                    m.value::<rpc_runtime::CallError>(2047, "Call", "");
                },
            )
    }
}
#[automatically_derived]
impl ::rpc_runtime::RemoteError for OnlyCalls {
    fn call_error(&self) -> ::core::option::Option<&::rpc_runtime::CallError> {
        match self {
            Self::Call { source: error } => ::core::option::Option::Some(error),
        }
    }
}
#[automatically_derived]
impl<T: ::rpc_runtime::idl::Message> ::rpc_runtime::idl::Message for Renamed<T> {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        match self {
            Self::Failed { 0: field_1 } => {
                out.key(2047, <Failure as ::rpc_runtime::idl::Message>::WIRE);
                <Failure as ::rpc_runtime::idl::Message>::encode_value(field_1, out);
            }
            Self::Held { 0: field_1 } => {
                out.key(1, <T as ::rpc_runtime::idl::Message>::WIRE);
                <T as ::rpc_runtime::idl::Message>::encode_value(field_1, out);
            }
            Self::Newer {} => out.empty(2),
        }
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        let mut found = before;
        while let ::core::option::Option::Some((tag, wire)) = r.next_field()? {
            match tag {
                2047 => {
                    let _ = <Failure as ::rpc_runtime::idl::Message>::WIRE;
                    let before = match found {
                        ::core::option::Option::Some(Self::Failed { 0: field_1 }) => {
                            ::core::option::Option::Some(field_1)
                        }
                        _ => ::core::option::Option::None,
                    };
                    found = ::core::option::Option::Some(Self::Failed {
                        0: r.field::<Failure>(before, wire, "Failed")?,
                    });
                }
                1 => {
                    let _ = <T as ::rpc_runtime::idl::Message>::WIRE;
                    let before = match found {
                        ::core::option::Option::Some(Self::Held { 0: field_1 }) => {
                            ::core::option::Option::Some(field_1)
                        }
                        _ => ::core::option::Option::None,
                    };
                    found = ::core::option::Option::Some(Self::Held {
                        0: r.field::<T>(before, wire, "Held")?,
                    });
                }
                2 => {
                    r.empty(wire)?;
                    found = ::core::option::Option::Some(Self::Newer {});
                }
                _ => {
                    r.skip(wire)?;
                    found = ::core::option::Option::Some(Self::Newer {});
                }
            }
        }
        ::rpc_runtime::idl::variant(found, "Renamed")
    }
    fn absent() -> ::core::option::Option<Self> {
        ::core::option::Option::Some(Self::Newer {})
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry
            .oneof::<
                Self,
            >(
                "Renamed",
                ::core::module_path!(),
                "",
                |m| {
                    m.parameter::<T>();
                    let _ = <Failure as ::rpc_runtime::idl::Message>::WIRE;
                    m.value::<Failure>(2047, "Failed", "");
                    let _ = <T as ::rpc_runtime::idl::Message>::WIRE;
                    m.value::<T>(1, "Held", "");
                    m.unit(2, "Newer", "");
                    m.open();
                },
            )
    }
}
#[automatically_derived]
impl<T: ::rpc_runtime::idl::Message> ::rpc_runtime::RemoteError for Renamed<T>
where
    Self: ::core::error::Error + ::core::convert::From<::rpc_runtime::CallError>,
{
    fn call_error(&self) -> ::core::option::Option<&::rpc_runtime::CallError> {
        match self {
            Self::Failed { 0: error } => ::core::option::Option::Some(error),
            _ => ::core::option::Option::None,
        }
    }
}
