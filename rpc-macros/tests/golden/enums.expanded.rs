#[automatically_derived]
impl ::rpc_runtime::idl::Message for Colour {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Varint;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_value(&self, out: &mut ::rpc_runtime::idl::Writer) {
        out.enumeration_value(
            match self {
                Self::Red => 1,
                Self::Green => 5,
                Self::Blue => 6,
            },
        );
    }
    fn decode_value(
        _before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        match r.enumeration()? {
            1 => ::core::result::Result::Ok(Self::Red),
            5 => ::core::result::Result::Ok(Self::Green),
            6 => ::core::result::Result::Ok(Self::Blue),
            0 => {
                <Self as ::rpc_runtime::idl::Message>::absent()
                    .ok_or_else(|| ::rpc_runtime::idl::DecodeError::no_variant("Colour"))
            }
            unknown => {
                ::core::result::Result::Err(
                    ::rpc_runtime::idl::DecodeError::unknown_number("Colour", unknown),
                )
            }
        }
    }
    fn absent() -> ::core::option::Option<Self> {
        ::core::option::Option::None
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry
            .enumeration::<
                Self,
            >(
                "Colour",
                ::core::module_path!(),
                "Without data.",
                |m| {
                    m.value(1, "Red", "As blood.");
                    m.value(5, "Green", "");
                    m.value(6, "Azure", "");
                },
            )
    }
}
#[automatically_derived]
impl ::rpc_runtime::idl::Message for State {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Varint;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_value(&self, out: &mut ::rpc_runtime::idl::Writer) {
        out.enumeration_value(
            match self {
                Self::Idle => 1,
                Self::Busy => 2,
                Self::Unknown => 3,
            },
        );
    }
    fn decode_value(
        _before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        match r.enumeration()? {
            1 => ::core::result::Result::Ok(Self::Idle),
            2 => ::core::result::Result::Ok(Self::Busy),
            3 => ::core::result::Result::Ok(Self::Unknown),
            0 => {
                <Self as ::rpc_runtime::idl::Message>::absent()
                    .ok_or_else(|| ::rpc_runtime::idl::DecodeError::no_variant("State"))
            }
            _ => ::core::result::Result::Ok(Self::Unknown),
        }
    }
    fn absent() -> ::core::option::Option<Self> {
        ::core::option::Option::Some(Self::Idle)
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry
            .enumeration::<
                Self,
            >(
                "State",
                ::core::module_path!(),
                "",
                |m| {
                    m.value(1, "Idle", "");
                    m.value(2, "Busy", "");
                    m.value(3, "Unknown", "");
                    m.default(1);
                    m.open();
                },
            )
    }
}
#[automatically_derived]
impl ::rpc_runtime::idl::Message for Foreign {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Varint;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        if !::core::matches!(self, Self::Universal) {
            out.field(tag, self);
        }
    }
    fn encode_value(&self, out: &mut ::rpc_runtime::idl::Writer) {
        out.enumeration_value(
            match self {
                Self::Universal => 0,
                Self::Web => 1,
            },
        );
    }
    fn decode_value(
        _before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        match r.enumeration()? {
            0 => ::core::result::Result::Ok(Self::Universal),
            1 => ::core::result::Result::Ok(Self::Web),
            unknown => {
                ::core::result::Result::Err(
                    ::rpc_runtime::idl::DecodeError::unknown_number("Foreign", unknown),
                )
            }
        }
    }
    fn absent() -> ::core::option::Option<Self> {
        ::core::option::Option::Some(Self::Universal)
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry
            .enumeration::<
                Self,
            >(
                "Foreign",
                ::core::module_path!(),
                "",
                |m| {
                    m.value(0, "Universal", "");
                    m.value(1, "Web", "");
                },
            )
    }
}
#[automatically_derived]
impl<T: ::rpc_runtime::idl::Message> ::rpc_runtime::idl::Message for Drawing<T> {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        match self {
            Self::Empty {} => out.empty(1),
            Self::Label { 0: field_1 } => {
                out.key(2, <String as ::rpc_runtime::idl::Message>::WIRE);
                <String as ::rpc_runtime::idl::Message>::encode_value(field_1, out);
            }
            Self::Number { 0: field_1 } => {
                out.key(
                    3,
                    <::rpc_runtime::idl::wire_as::Int64 as ::rpc_runtime::idl::wire_as::Representation>::WIRE,
                );
                <::rpc_runtime::idl::wire_as::Int64 as ::rpc_runtime::idl::wire_as::Representation>::encode_value::<
                    i64,
                >(field_1, out);
            }
            Self::Circle { radius: field_radius, at: field_at } => {
                out.message(
                    4,
                    |out| {
                        <f64 as ::rpc_runtime::idl::Message>::encode(
                            field_radius,
                            1,
                            out,
                        );
                        <T as ::rpc_runtime::idl::Message>::encode(field_at, 4, out);
                    },
                )
            }
            Self::Line { 0: field_1, 1: field_2 } => {
                out.message(
                    5,
                    |out| {
                        <T as ::rpc_runtime::idl::Message>::encode(field_1, 1, out);
                        <T as ::rpc_runtime::idl::Message>::encode(field_2, 2, out);
                    },
                )
            }
            Self::Blank {} => out.empty(6),
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
                    r.empty(wire)?;
                    found = ::core::option::Option::Some(Self::Empty {});
                }
                2 => {
                    let before = match found {
                        ::core::option::Option::Some(Self::Label { 0: field_1 }) => {
                            ::core::option::Option::Some(field_1)
                        }
                        _ => ::core::option::Option::None,
                    };
                    found = ::core::option::Option::Some(Self::Label {
                        0: r.field::<String>(before, wire, "Label")?,
                    });
                }
                3 => {
                    let before = match found {
                        ::core::option::Option::Some(Self::Number { 0: field_1 }) => {
                            ::core::option::Option::Some(field_1)
                        }
                        _ => ::core::option::Option::None,
                    };
                    found = ::core::option::Option::Some(Self::Number {
                        0: {
                            let _ = before;
                            wire.expect(
                                    <::rpc_runtime::idl::wire_as::Int64 as ::rpc_runtime::idl::wire_as::Representation>::WIRE,
                                )
                                .and_then(|()| <::rpc_runtime::idl::wire_as::Int64 as ::rpc_runtime::idl::wire_as::Representation>::decode_value::<
                                    i64,
                                >(r))
                                .map_err(|error| error.in_field("Number"))?
                        },
                    });
                }
                4 => {
                    let value = r
                        .message(
                            wire,
                            |r| {
                                let _ = <T as ::rpc_runtime::idl::Message>::WIRE;
                                let (mut field_radius, mut field_at) = match found {
                                    ::core::option::Option::Some(
                                        Self::Circle { radius: field_radius, at: field_at },
                                    ) => {
                                        (
                                            ::core::option::Option::Some(field_radius),
                                            ::core::option::Option::Some(field_at),
                                        )
                                    }
                                    _ => {
                                        (::core::option::Option::None, ::core::option::Option::None)
                                    }
                                };
                                while let ::core::option::Option::Some((tag, wire)) = r
                                    .next_field()?
                                {
                                    match tag {
                                        1 => r.merge::<f64>(&mut field_radius, wire, "radius"),
                                        4 => r.merge::<T>(&mut field_at, wire, "at"),
                                        _ => r.skip(wire),
                                    }?;
                                }
                                ::core::result::Result::Ok(Self::Circle {
                                    radius: ::rpc_runtime::idl::present::<
                                        f64,
                                    >(&mut field_radius, "radius")?,
                                    at: ::rpc_runtime::idl::present::<T>(&mut field_at, "at")?,
                                })
                            },
                        );
                    found = ::core::option::Option::Some(
                        value.map_err(|error| error.in_field("Circle"))?,
                    );
                }
                5 => {
                    let value = r
                        .message(
                            wire,
                            |r| {
                                let _ = <T as ::rpc_runtime::idl::Message>::WIRE;
                                let _ = <T as ::rpc_runtime::idl::Message>::WIRE;
                                let (mut field_1, mut field_2) = match found {
                                    ::core::option::Option::Some(
                                        Self::Line { 0: field_1, 1: field_2 },
                                    ) => {
                                        (
                                            ::core::option::Option::Some(field_1),
                                            ::core::option::Option::Some(field_2),
                                        )
                                    }
                                    _ => {
                                        (::core::option::Option::None, ::core::option::Option::None)
                                    }
                                };
                                while let ::core::option::Option::Some((tag, wire)) = r
                                    .next_field()?
                                {
                                    match tag {
                                        1 => r.merge::<T>(&mut field_1, wire, "field_1"),
                                        2 => r.merge::<T>(&mut field_2, wire, "field_2"),
                                        _ => r.skip(wire),
                                    }?;
                                }
                                ::core::result::Result::Ok(Self::Line {
                                    0: ::rpc_runtime::idl::present::<
                                        T,
                                    >(&mut field_1, "field_1")?,
                                    1: ::rpc_runtime::idl::present::<
                                        T,
                                    >(&mut field_2, "field_2")?,
                                })
                            },
                        );
                    found = ::core::option::Option::Some(
                        value.map_err(|error| error.in_field("Line"))?,
                    );
                }
                6 => {
                    r.empty(wire)?;
                    found = ::core::option::Option::Some(Self::Blank {});
                }
                _ => r.skip(wire)?,
            }
        }
        ::rpc_runtime::idl::variant(found, "Drawing")
    }
    fn absent() -> ::core::option::Option<Self> {
        ::core::option::Option::Some(Self::Empty {})
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry
            .oneof::<
                Self,
            >(
                "Drawing",
                ::core::module_path!(),
                "With data.",
                |m| {
                    m.parameter::<T>();
                    m.unit(1, "Empty", "Nothing drawn.");
                    m.value::<String>(2, "Label", "");
                    m.value_as::<
                            ::rpc_runtime::idl::wire_as::Int64,
                            i64,
                        >(3, "Number", "");
                    m.message(
                        4,
                        "Circle",
                        "",
                        |m| {
                            let _ = <T as ::rpc_runtime::idl::Message>::WIRE;
                            m.field::<f64>(1, "radius", "");
                            m.field::<T>(4, "at", "");
                        },
                    );
                    m.message(
                        5,
                        "Line",
                        "",
                        |m| {
                            let _ = <T as ::rpc_runtime::idl::Message>::WIRE;
                            let _ = <T as ::rpc_runtime::idl::Message>::WIRE;
                            m.field::<T>(1, "field_1", "");
                            m.field::<T>(2, "field_2", "");
                        },
                    );
                    m.unit(6, "Blank", "");
                    m.default(1);
                },
            )
    }
}
