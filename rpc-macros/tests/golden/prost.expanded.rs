#[automatically_derived]
impl ::rpc_runtime::idl::Message for Point
where
    Point: ::rpc_runtime::idl::prost_message::Named,
{
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        ::rpc_runtime::idl::prost_message::encode_fields::<Self>(self, out)
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        ::rpc_runtime::idl::prost_message::decode_fields::<Self>(before, r)
    }
    fn absent() -> ::core::option::Option<Self> {
        ::core::option::Option::Some(::core::default::Default::default())
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        ::rpc_runtime::idl::prost_message::describe::<
            Self,
        >(registry, super::FILE_DESCRIPTOR_SET)
    }
}
#[automatically_derived]
impl ::rpc_runtime::idl::Message for Named
where
    Named: ::rpc_runtime::idl::prost_message::Named,
{
    const WIRE: ::rpc_runtime::idl::Wire = ::rpc_runtime::idl::Wire::Len;
    fn encode(&self, tag: u32, out: &mut ::rpc_runtime::idl::Writer) {
        out.field(tag, self);
    }
    fn encode_fields(&self, out: &mut ::rpc_runtime::idl::Writer) {
        ::rpc_runtime::idl::prost_message::encode_fields::<Self>(self, out)
    }
    fn decode_fields(
        before: ::core::option::Option<Self>,
        r: &mut ::rpc_runtime::idl::Reader<'_>,
    ) -> ::core::result::Result<Self, ::rpc_runtime::idl::DecodeError> {
        ::rpc_runtime::idl::prost_message::decode_fields::<Self>(before, r)
    }
    fn absent() -> ::core::option::Option<Self> {
        ::core::option::Option::Some(::core::default::Default::default())
    }
    fn describe(
        registry: &mut ::rpc_runtime::idl::Registry,
    ) -> ::rpc_runtime::idl::Shape {
        ::rpc_runtime::idl::prost_message::describe::<Self>(registry, &[])
    }
}
