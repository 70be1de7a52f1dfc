#[automatically_derived]
impl ::rpc_runtime::idl::Message for Loan {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        <String as ::rpc_runtime::idl::Message>::encode(&self.title, 1, out);
        <u32 as ::rpc_runtime::idl::Message>::encode(&self.r#type, 2, out);
        <i64 as ::rpc_runtime::idl::wire_as::As<
            ::rpc_runtime::idl::wire_as::Int64,
        >>::encode(&self.at, 7, out);
        <Option<
            Vec<String>,
        > as ::rpc_runtime::idl::Message>::encode(&self.notes, 8, out);
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        let _ = <Option<Vec<String>> as ::rpc_runtime::idl::Message>::WIRE;
        let (mut field_title, mut field_type, mut field_at, mut field_notes) = match before {
            ::core::option::Option::Some(
                Self {
                    title: field_title,
                    r#type: field_type,
                    at: field_at,
                    notes: field_notes,
                },
            ) => {
                (
                    ::core::option::Option::Some(field_title),
                    ::core::option::Option::Some(field_type),
                    ::core::option::Option::Some(field_at),
                    ::core::option::Option::Some(field_notes),
                )
            }
            _ => {
                (
                    ::core::option::Option::None,
                    ::core::option::Option::None,
                    ::core::option::Option::None,
                    ::core::option::Option::None,
                )
            }
        };
        while let ::core::option::Option::Some((tag, wire)) = r.next_field()? {
            match tag {
                1 => r.merge::<String>(&mut field_title, wire, "title"),
                2 => r.merge::<u32>(&mut field_type, wire, "type"),
                7 => {
                    <i64 as ::rpc_runtime::idl::wire_as::As<
                        ::rpc_runtime::idl::wire_as::Int64,
                    >>::merge(&mut field_at, wire, r)
                        .map_err(|error| error.in_field("lentAt"))
                }
                8 => r.merge::<Option<Vec<String>>>(&mut field_notes, wire, "notes"),
                _ => r.skip(wire),
            }?;
        }
        ::core::result::Result::Ok(Self {
            title: ::rpc_runtime::idl::present::<String>(&mut field_title, "title")?,
            r#type: ::rpc_runtime::idl::present::<u32>(&mut field_type, "type")?,
            at: field_at
                .take()
                .unwrap_or_else(
                    <i64 as ::rpc_runtime::idl::wire_as::As<
                        ::rpc_runtime::idl::wire_as::Int64,
                    >>::absent,
                ),
            notes: ::rpc_runtime::idl::present::<
                Option<Vec<String>>,
            >(&mut field_notes, "notes")?,
        })
    }
    fn absent() -> ::core::option::Option<Self> {
        ::rpc_runtime::idl::empty()
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry
            .message::<
                Self,
            >(
                "Loan",
                ::core::module_path!(),
                "What a customer has borrowed.\n\nUntil it is brought back.",
                |m| {
                    let _ = <Option<Vec<String>> as ::rpc_runtime::idl::Message>::WIRE;
                    m.field::<String>(1, "title", "As printed on the cover.");
                    m.field::<u32>(2, "type", "");
                    m.shape(
                        7,
                        "lentAt",
                        "",
                        <i64 as ::rpc_runtime::idl::wire_as::As<
                            ::rpc_runtime::idl::wire_as::Int64,
                        >>::describe(),
                    );
                    m.field::<Option<Vec<String>>>(8, "notes", "");
                },
            )
    }
}
#[automatically_derived]
impl ::rpc_runtime::idl::Message for Nothing {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        let _ = out;
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        let _ = before;
        while let ::core::option::Option::Some((_, wire)) = r.next_field()? {
            r.skip(wire)?;
        }
        ::core::result::Result::Ok(Self {})
    }
    fn absent() -> ::core::option::Option<Self> {
        ::rpc_runtime::idl::empty()
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry.message::<Self>("Nothing", ::core::module_path!(), "", |_| {})
    }
}
#[automatically_derived]
impl ::rpc_runtime::idl::Message for Named {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        let _ = out;
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        let _ = before;
        while let ::core::option::Option::Some((_, wire)) = r.next_field()? {
            r.skip(wire)?;
        }
        ::core::result::Result::Ok(Self {})
    }
    fn absent() -> ::core::option::Option<Self> {
        ::rpc_runtime::idl::empty()
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry.message::<Self>("Named", ::core::module_path!(), "", |_| {})
    }
}
#[automatically_derived]
impl crate::idl::Message for Wrapped {
    const WIRE: crate::idl::Wire = crate::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut crate::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut crate::idl::Writer) {
        <Vec<u8> as crate::idl::Message>::encode(&self.0, 1, out);
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut crate::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, crate::idl::DecodeError> {
        let _ = <Vec<u8> as crate::idl::Message>::WIRE;
        let (mut field_1,) = match before {
            ::core::option::Option::Some(Self { 0: field_1 }) => {
                (::core::option::Option::Some(field_1),)
            }
            _ => (::core::option::Option::None,),
        };
        while let ::core::option::Option::Some((tag, wire)) = r.next_field()? {
            match tag {
                1 => r.merge::<Vec<u8>>(&mut field_1, wire, "value"),
                _ => r.skip(wire),
            }?;
        }
        ::core::result::Result::Ok(Self {
            0: crate::idl::present::<Vec<u8>>(&mut field_1, "value")?,
        })
    }
    fn absent() -> ::core::option::Option<Self> {
        crate::idl::empty()
    }
    fn describe(registry: &mut crate::idl::Registry) -> crate::idl::Shape {
        registry
            .message::<
                Self,
            >(
                "Wrapped",
                ::core::module_path!(),
                "",
                |m| {
                    let _ = <Vec<u8> as crate::idl::Message>::WIRE;
                    m.field::<Vec<u8>>(1, "value", "");
                },
            )
    }
}
#[automatically_derived]
impl ::rpc_runtime::idl::Message for Pair {
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        <u32 as ::rpc_runtime::idl::Message>::encode(&self.0, 1, out);
        <Vec<
            u64,
        > as ::rpc_runtime::idl::wire_as::As<
            ::rpc_runtime::idl::wire_as::Fixed64,
        >>::encode(&self.1, 2, out);
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        let (mut field_1, mut field_2) = match before {
            ::core::option::Option::Some(Self { 0: field_1, 1: field_2 }) => {
                (
                    ::core::option::Option::Some(field_1),
                    ::core::option::Option::Some(field_2),
                )
            }
            _ => (::core::option::Option::None, ::core::option::Option::None),
        };
        while let ::core::option::Option::Some((tag, wire)) = r.next_field()? {
            match tag {
                1 => r.merge::<u32>(&mut field_1, wire, "field_1"),
                2 => {
                    <Vec<
                        u64,
                    > as ::rpc_runtime::idl::wire_as::As<
                        ::rpc_runtime::idl::wire_as::Fixed64,
                    >>::merge(&mut field_2, wire, r)
                        .map_err(|error| error.in_field("field_2"))
                }
                _ => r.skip(wire),
            }?;
        }
        ::core::result::Result::Ok(Self {
            0: ::rpc_runtime::idl::present::<u32>(&mut field_1, "field_1")?,
            1: field_2
                .take()
                .unwrap_or_else(
                    <Vec<
                        u64,
                    > as ::rpc_runtime::idl::wire_as::As<
                        ::rpc_runtime::idl::wire_as::Fixed64,
                    >>::absent,
                ),
        })
    }
    fn absent() -> ::core::option::Option<Self> {
        ::rpc_runtime::idl::empty()
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry
            .message::<
                Self,
            >(
                "Pair",
                ::core::module_path!(),
                "",
                |m| {
                    m.field::<u32>(1, "field_1", "");
                    m.shape(
                        2,
                        "field_2",
                        "",
                        <Vec<
                            u64,
                        > as ::rpc_runtime::idl::wire_as::As<
                            ::rpc_runtime::idl::wire_as::Fixed64,
                        >>::describe(),
                    );
                },
            )
    }
}
#[automatically_derived]
impl<
    T: ::rpc_runtime::idl::Message,
    U: Ord + ::rpc_runtime::idl::Message,
> ::rpc_runtime::idl::Message for Page<T, U>
where
    T: Clone,
{
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        <Vec<T> as ::rpc_runtime::idl::Message>::encode(&self.items, 1, out);
        <Option<U> as ::rpc_runtime::idl::Message>::encode(&self.next, 2, out);
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        let _ = <Vec<T> as ::rpc_runtime::idl::Message>::WIRE;
        let _ = <Option<U> as ::rpc_runtime::idl::Message>::WIRE;
        let (mut field_items, mut field_next) = match before {
            ::core::option::Option::Some(
                Self { items: field_items, next: field_next },
            ) => {
                (
                    ::core::option::Option::Some(field_items),
                    ::core::option::Option::Some(field_next),
                )
            }
            _ => (::core::option::Option::None, ::core::option::Option::None),
        };
        while let ::core::option::Option::Some((tag, wire)) = r.next_field()? {
            match tag {
                1 => r.merge::<Vec<T>>(&mut field_items, wire, "items"),
                2 => r.merge::<Option<U>>(&mut field_next, wire, "next"),
                _ => r.skip(wire),
            }?;
        }
        ::core::result::Result::Ok(Self {
            items: ::rpc_runtime::idl::present::<Vec<T>>(&mut field_items, "items")?,
            next: ::rpc_runtime::idl::present::<Option<U>>(&mut field_next, "next")?,
        })
    }
    fn absent() -> ::core::option::Option<Self> {
        ::rpc_runtime::idl::empty()
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        registry
            .message::<
                Self,
            >(
                "Sheet",
                ::core::module_path!(),
                "",
                |m| {
                    m.parameter::<T>();
                    m.parameter::<U>();
                    let _ = <Vec<T> as ::rpc_runtime::idl::Message>::WIRE;
                    let _ = <Option<U> as ::rpc_runtime::idl::Message>::WIRE;
                    m.field::<Vec<T>>(1, "items", "");
                    m.field::<Option<U>>(2, "next", "");
                },
            )
    }
}
#[automatically_derived]
impl ::rpc_runtime::idl::Message for CustomerId {
    const WIRE: ::rpc_runtime::idl::Wire = <u64 as ::rpc_runtime::idl::Message>::WIRE;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        <u64 as ::rpc_runtime::idl::Message>::encode(&self.0, tag, out);
    }
    fn encode_value(&self, out: &mut ::rpc_runtime::idl::Writer) {
        <u64 as ::rpc_runtime::idl::Message>::encode_value(&self.0, out);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        <u64 as ::rpc_runtime::idl::Message>::encode_fields(&self.0, out);
    }
    fn merge(
        slot: &mut ::core::option::Option<Self>,
        wire: ::rpc_runtime::idl::Wire,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<(), ::rpc_runtime::idl::DecodeError> {
        let mut inner = slot.take().map(|outer| outer.0);
        <u64 as ::rpc_runtime::idl::Message>::merge(&mut inner, wire, r)?;
        *slot = inner.map(|inner| Self { 0: inner });
        ::core::result::Result::Ok(())
    }
    fn decode_value(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        <u64 as ::rpc_runtime::idl::Message>::decode_value(
                before.map(|outer| outer.0),
                r,
            )
            .map(|inner| Self { 0: inner })
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        <u64 as ::rpc_runtime::idl::Message>::decode_fields(
                before.map(|outer| outer.0),
                r,
            )
            .map(|inner| Self { 0: inner })
    }
    fn absent() -> ::core::option::Option<Self> {
        <u64 as ::rpc_runtime::idl::Message>::absent().map(|inner| Self { 0: inner })
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        <u64 as ::rpc_runtime::idl::Message>::describe(registry)
    }
}
