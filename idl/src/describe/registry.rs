//! The types that an interface speaks of, each entered once.
//!
//! A type is entered before its fields are asked, so that a type that contains itself comes to an end.
//! Names are chosen only when all types are in: two of one name both get their module in front.

use super::shape::{Shape, TypeRef};
use crate::Message;
use crate::wire_as::{As, Representation};
use std::any::TypeId;
use std::collections::HashMap;
use std::fmt::Display;

/// The structs and enums that were described, in the order of their first mention.
#[derive(Debug, Default)]
pub struct Registry {
    types: Vec<Type>,
    by_id: HashMap<TypeId, TypeRef>,
    #[cfg(feature = "proto")]
    foreign: Vec<Foreign>,
}

/// Types that a `.proto` describes.
#[cfg(feature = "proto")]
#[derive(Debug)]
pub(crate) struct Foreign {
    /// A `FileDescriptorSet`; may be empty.
    pub(crate) descriptors: &'static [u8],
    /// The full names of the messages that were mentioned of it.
    pub(crate) names: Vec<String>,
}

/// A described struct or enum.
#[derive(Debug)]
pub(crate) struct Type {
    /// As declared, without parameters.
    pub(crate) name: &'static str,
    /// The `module_path!()` of the declaration.
    pub(crate) module: &'static str,
    pub(crate) docs: &'static str,
    /// What the type's parameters stand for; they become part of its name.
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Body,
}

/// What a parameter of a generic type stands for.
#[derive(Debug)]
pub(crate) enum Parameter {
    Type(Shape),
    Const(String),
}

#[derive(Debug)]
pub(crate) enum Body {
    Message(Vec<Field>),
    /// An enum with data.
    Oneof {
        variants: Vec<Variant>,
        open: bool,
        default: Option<u32>,
    },
    /// An enum without data.
    Enumeration {
        values: Vec<Value>,
        open: bool,
        default: Option<i32>,
    },
}

/// A field of a struct.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) tag: u32,
    pub(crate) name: String,
    pub(crate) docs: String,
    pub(crate) shape: Shape,
    /// Its absence is an error.
    pub(crate) required: bool,
}

/// A variant of an enum with data.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) tag: u32,
    pub(crate) name: &'static str,
    pub(crate) docs: &'static str,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    One(Shape),
    /// A message of its own, nested in the enum's.
    Fields(Vec<Field>),
}

/// A variant of an enum without data.
#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) number: i32,
    pub(crate) name: &'static str,
    pub(crate) docs: &'static str,
}

impl Registry {
    /// A registry without types.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn types(&self) -> &[Type] {
        &self.types
    }

    /// A registry of types without fields, given by name and module.
    #[cfg(test)]
    pub(crate) fn of_empty_types(types: &[(&'static str, &'static str)]) -> Self {
        let empty = |&(name, module)| {
            let body = Body::Message(Vec::new());
            Type { name, module, docs: "", parameters: Vec::new(), body }
        };
        Self { types: types.iter().map(empty).collect(), by_id: HashMap::new(), ..Self::default() }
    }

    /// Enters a struct; `fields` names its parameters and fields.
    pub fn message<T: Message>(
        &mut self,
        name: &'static str,
        module: &'static str,
        docs: &'static str,
        fields: fn(&mut MessageFields<'_>),
    ) -> Shape {
        self.enter(TypeId::of::<T>(), Declared { name, module, docs }, Describe::Message(fields))
    }

    /// Enters an enum with data; `variants` names its parameters and variants.
    pub fn oneof<T: Message>(
        &mut self,
        name: &'static str,
        module: &'static str,
        docs: &'static str,
        variants: fn(&mut OneofVariants<'_>),
    ) -> Shape {
        self.enter(TypeId::of::<T>(), Declared { name, module, docs }, Describe::Oneof(variants))
    }

    /// Enters an enum without data; `values` names its variants.
    pub fn enumeration<T: Message>(
        &mut self,
        name: &'static str,
        module: &'static str,
        docs: &'static str,
        values: fn(&mut EnumerationValues),
    ) -> Shape {
        self.enter(TypeId::of::<T>(), Declared { name, module, docs }, Describe::Enumeration(values))
    }

    /// Knows nothing of the type but its id, so that it is compiled once.
    fn enter(&mut self, id: TypeId, declared: Declared, describe: Describe) -> Shape {
        if let Some(&place) = self.by_id.get(&id) {
            return Shape::Named(place);
        }
        let place = TypeRef(self.types.len());
        self.by_id.insert(id, place);
        let Declared { name, module, docs } = declared;
        self.types.push(Type { name, module, docs, parameters: Vec::new(), body: Body::Message(Vec::new()) });
        let (parameters, body) = self.describe(describe);
        let entered = &mut self.types[place.0];
        entered.parameters = parameters;
        entered.body = body;
        Shape::Named(place)
    }

    fn describe(&mut self, describe: Describe) -> (Vec<Parameter>, Body) {
        match describe {
            Describe::Message(fields) => {
                let mut builder = MessageFields::new(self);
                fields(&mut builder);
                (builder.parameters, Body::Message(builder.fields))
            }
            Describe::Oneof(variants) => {
                let (parameters, none) = (Vec::new(), Vec::new());
                let mut builder =
                    OneofVariants { registry: self, parameters, variants: none, open: false, default: None };
                variants(&mut builder);
                let OneofVariants { parameters, variants, open, default, .. } = builder;
                (parameters, Body::Oneof { variants, open, default })
            }
            Describe::Enumeration(values) => {
                let mut builder = EnumerationValues { values: Vec::new(), open: false, default: None };
                values(&mut builder);
                let EnumerationValues { values, open, default } = builder;
                (Vec::new(), Body::Enumeration { values, open, default })
            }
        }
    }

    /// The shape of a field of this type, and whether its absence is an error.
    pub(crate) fn field<T: Message>(&mut self) -> (Shape, bool) {
        let required = T::absent().is_none();
        (T::describe(self), required)
    }
}

/// A struct or an enum as its declaration has it.
struct Declared {
    name: &'static str,
    module: &'static str,
    docs: &'static str,
}

/// [`Registry::field`] of a type.
pub(super) type DescribeField = fn(&mut Registry) -> (Shape, bool);

/// What generated code says of a struct or an enum.
enum Describe {
    Message(fn(&mut MessageFields<'_>)),
    Oneof(fn(&mut OneofVariants<'_>)),
    Enumeration(fn(&mut EnumerationValues)),
}

#[cfg(feature = "proto")]
impl Registry {
    /// Types that a `.proto` describes may be in this `FileDescriptorSet`.
    pub(crate) fn descriptors(&mut self, descriptors: &'static [u8]) {
        if self.foreign.iter().all(|known| known.descriptors != descriptors) {
            self.foreign.push(Foreign { descriptors, names: Vec::new() });
        }
    }

    /// Enters a message that a `.proto` describes: by its full name, and the `FileDescriptorSet` that it is in.
    pub fn foreign(&mut self, full_name: String, descriptors: &'static [u8]) -> Shape {
        self.descriptors(descriptors);
        let known = self.foreign.iter_mut().find(|known| known.descriptors == descriptors);
        if let Some(known) = known.filter(|known| !known.names.contains(&full_name)) {
            known.names.push(full_name.clone());
        }
        Shape::Foreign(full_name)
    }

    pub(crate) fn foreign_types(&self) -> &[Foreign] {
        &self.foreign
    }
}

/// Collects the fields of a struct, or of a variant with fields.
#[derive(Debug)]
pub struct MessageFields<'r> {
    registry: &'r mut Registry,
    parameters: Vec<Parameter>,
    fields: Vec<Field>,
}

impl<'r> MessageFields<'r> {
    pub(crate) fn new(registry: &'r mut Registry) -> Self {
        Self { registry, parameters: Vec::new(), fields: Vec::new() }
    }

    pub(crate) fn into_fields(self) -> Vec<Field> {
        self.fields
    }

    /// What a type parameter stands for, in order; it becomes part of the name: `Page<Node>` is `PageNode`.
    pub fn parameter<T: Message>(&mut self) {
        let shape = T::describe(self.registry);
        self.parameters.push(Parameter::Type(shape));
    }

    /// What a const parameter stands for; it becomes part of the name: `Grid<4>` is `Grid4`.
    pub fn parameter_const(&mut self, value: impl Display) {
        self.parameters.push(Parameter::Const(value.to_string()));
    }

    /// A field.
    pub fn field<T: Message>(&mut self, tag: u32, name: &str, docs: &str) {
        self.add(tag, name, docs, Registry::field::<T>);
    }

    fn add(&mut self, tag: u32, name: &str, docs: &str, describe: DescribeField) {
        let (shape, required) = describe(self.registry);
        self.push(tag, name, docs, shape, required);
    }

    /// A field with `#[rpc(as = "…")]`: `W` is the type on the wire, `T` the Rust type.
    pub fn field_as<W: Representation, T: As<W>>(&mut self, tag: u32, name: &str, docs: &str) {
        self.push(tag, name, docs, T::describe(), false);
    }

    /// A field of a shape that was made by hand.
    pub fn shape(&mut self, tag: u32, name: &str, docs: &str, shape: Shape) {
        self.push(tag, name, docs, shape, false);
    }

    fn push(&mut self, tag: u32, name: &str, docs: &str, shape: Shape, required: bool) {
        self.fields.push(Field { tag, name: name.into(), docs: docs.into(), shape, required });
    }
}

/// Collects the variants of an enum with data.
#[derive(Debug)]
pub struct OneofVariants<'r> {
    registry: &'r mut Registry,
    parameters: Vec<Parameter>,
    variants: Vec<Variant>,
    open: bool,
    default: Option<u32>,
}

impl OneofVariants<'_> {
    /// What a type parameter stands for, in order; it becomes part of the name.
    pub fn parameter<T: Message>(&mut self) {
        let shape = T::describe(self.registry);
        self.parameters.push(Parameter::Type(shape));
    }

    /// What a const parameter stands for; it becomes part of the name: `Grid<4>` is `Grid4`.
    pub fn parameter_const(&mut self, value: impl Display) {
        self.parameters.push(Parameter::Const(value.to_string()));
    }

    /// A variant without data.
    pub fn unit(&mut self, tag: u32, name: &'static str, docs: &'static str) {
        self.push(tag, name, docs, Content::One(Shape::WellKnown(super::shape::WellKnown::Empty)));
    }

    /// A variant that holds one value without a name: `Circle(Circle)`.
    pub fn value<T: Message>(&mut self, tag: u32, name: &'static str, docs: &'static str) {
        let shape = T::describe(self.registry);
        self.push(tag, name, docs, Content::One(shape));
    }

    /// The same with `#[rpc(as = "…")]`: `W` is the type on the wire, `T` the Rust type.
    pub fn value_as<W: Representation, T: As<W>>(&mut self, tag: u32, name: &'static str, docs: &'static str) {
        self.push(tag, name, docs, Content::One(T::describe()));
    }

    /// A variant with several fields, or with named ones.
    pub fn message(&mut self, tag: u32, name: &'static str, docs: &'static str, fields: fn(&mut MessageFields<'_>)) {
        let mut builder = MessageFields::new(self.registry);
        fields(&mut builder);
        let fields = builder.into_fields();
        self.push(tag, name, docs, Content::Fields(fields));
    }

    /// One variant is marked `#[rpc(other)]`: what nobody knows is read as that.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// The variant of this tag is marked `#[default]`: absence is read as that.
    pub fn default(&mut self, tag: u32) {
        self.default = Some(tag);
    }

    fn push(&mut self, tag: u32, name: &'static str, docs: &'static str, content: Content) {
        self.variants.push(Variant { tag, name, docs, content });
    }
}

/// Collects the variants of an enum without data.
#[derive(Debug)]
pub struct EnumerationValues {
    values: Vec<Value>,
    open: bool,
    default: Option<i32>,
}

impl EnumerationValues {
    /// A variant, by its Rust name.
    pub fn value(&mut self, number: i32, name: &'static str, docs: &'static str) {
        self.values.push(Value { number, name, docs });
    }

    /// One variant is marked `#[rpc(other)]`: a number that nobody knows is read as that.
    pub fn open(&mut self) {
        self.open = true;
    }

    /// The variant of this number is marked `#[default]`: absence is read as that.
    pub fn default(&mut self, number: i32) {
        self.default = Some(number);
    }
}
