//! How generated code describes an interface.

use super::case::snake;
#[cfg(feature = "proto")]
use super::foreign;
use super::interface::Interface;
use super::layout::Layout;
use super::names;
use super::order;
use super::registry::{DescribeField, Field, Registry};
use super::shape::{Shape, WellKnown};
use crate::Message;
use crate::descriptor::{
    FileDescriptor, IdempotencyLevel, MessageDescriptor, MethodDescriptor, MethodKind, MethodNotes, MethodOptions,
    Notes, ServiceDescriptor, ServiceOptions, TypeNotes,
};
use crate::wire_as::{As, Representation};

/// Collects what an interface is; made by [`Interface::build`].
#[derive(Debug)]
#[must_use]
pub struct InterfaceBuilder {
    package: String,
    name: String,
    docs: String,
    registry: Registry,
    parameters: Vec<Shape>,
    methods: Vec<Method>,
}

#[derive(Debug)]
struct Method {
    name: String,
    docs: String,
    kind: MethodKind,
    arguments: Arguments,
    client_streaming: bool,
    result: Outcome,
    server_streaming: bool,
    error: Option<Shape>,
}

#[derive(Debug)]
enum Arguments {
    Fields(Vec<Field>),
    /// The one argument is the message.
    Whole(Shape),
}

#[derive(Debug)]
enum Outcome {
    /// Field 1 of the message; nothing at all for `()`.
    Field(Option<Field>),
    /// The result is the message.
    Whole(Shape),
}

impl InterfaceBuilder {
    pub(super) fn new(package: &str, name: &str, docs: &str) -> Self {
        Self {
            package: package.into(),
            name: name.into(),
            docs: docs.into(),
            registry: Registry::new(),
            parameters: Vec::new(),
            methods: Vec::new(),
        }
    }

    /// What a type parameter of the interface stands for; it becomes part of the name: `Queue<Point>` is
    /// `QueuePoint`.
    pub fn type_parameter<T: Message>(mut self) -> Self {
        let shape = T::describe(&mut self.registry);
        self.parameters.push(shape);
        self
    }

    /// The `FileDescriptorSet` of the `.proto` that the interface and its types come from.
    #[cfg(feature = "proto")]
    pub fn descriptors(mut self, set: &'static [u8]) -> Self {
        self.registry.descriptors(set);
        self
    }

    /// A method, by its name on the wire, in CamelCase; `build` adds its arguments, result and error.
    pub fn method(mut self, name: &str, docs: &str, kind: MethodKind, build: BuildMethod) -> Self {
        build(&mut self.add_method(name, docs, kind));
        self
    }

    /// The same, to which arguments, result and error are added. This is what generated code says: a closure would be compiled
    /// for each method.
    pub fn add_method(&mut self, name: &str, docs: &str, kind: MethodKind) -> MethodBuilder<'_> {
        let method = Method {
            name: name.into(),
            docs: docs.into(),
            kind,
            arguments: Arguments::Fields(Vec::new()),
            client_streaming: false,
            result: Outcome::Field(None),
            server_streaming: false,
            error: None,
        };
        let place = self.methods.len();
        self.methods.push(method);
        MethodBuilder { registry: &mut self.registry, method: &mut self.methods[place] }
    }

    /// The description. Names that clash are parted by their modules; what cannot be is told by
    /// [`Interface::problems`].
    #[must_use]
    pub fn finish(self) -> Interface {
        let mut taken: Vec<String> = self.methods.iter().flat_map(Method::made_messages).collect();
        if self.parameters.is_empty() {
            taken.push(self.name.clone());
        }
        let (mut type_names, mut problems) = names::choose(&self.registry, &taken);
        let mut name = self.name_with_parameters(&type_names);
        if !self.parameters.is_empty() && type_names.contains(&name) {
            // `Queue<Point>` is an interface and also a struct: the struct gives way.
            taken.push(name);
            (type_names, problems) = names::choose(&self.registry, &taken);
            name = self.name_with_parameters(&type_names);
        }
        for (i, method) in self.methods.iter().enumerate() {
            if self.methods[..i].iter().any(|earlier| earlier.name == method.name) {
                problems.push(format!("{name} has two methods `{}`", method.name));
            }
        }

        let mut layout = Layout::new(&self.registry, &type_names, &self.package);
        let (mut messages, enums) = layout.types();
        let mut service = ServiceDescriptor { name, ..Default::default() };
        if !self.docs.is_empty() {
            service.options = Some(ServiceOptions { rpc: Notes { docs: self.docs } });
        }
        for method in &self.methods {
            service.method.push(method.lay_out(&mut layout, &mut messages));
        }
        every_call_fails_so(&mut service, &mut messages);
        problems.append(&mut layout.problems);
        problems.extend(clashing_values(&enums));
        let file = FileDescriptor {
            name: file_name(&self.package, &service.name),
            package: self.package,
            dependency: layout.imports,
            message_type: messages,
            enum_type: enums,
            service: vec![service],
            options: None,
            source_code_info: None,
            syntax: "proto3".into(),
        };
        #[cfg(feature = "proto")]
        return foreign::complete(file, self.registry.foreign_types(), problems);
        #[cfg(not(feature = "proto"))]
        Interface::new(file, problems)
    }

    fn name_with_parameters(&self, type_names: &[String]) -> String {
        let name_of = |place: usize| type_names[place].clone();
        let parameters = self.parameters.iter().map(|shape| names::spell_shape(shape, &name_of));
        self.name.clone() + &parameters.collect::<String>()
    }
}

/// The message of the runtime's own `CallError`.
const CALL_ERROR: &str = "rpc_runtime::protocol::control::NestedFault";

/// Every call can fail with the runtime's own error; that is not said of each method. Its message goes unless it is a
/// part of others.
fn every_call_fails_so(service: &mut ServiceDescriptor, messages: &mut Vec<MessageDescriptor>) {
    let is_it = |message: &MessageDescriptor| message.options.as_ref().is_some_and(|o| o.rpc.origin == CALL_ERROR);
    let Some(place) = messages.iter().position(is_it) else { return };
    let end = format!(".{}", messages[place].name);
    let is_error = |options: &&mut MethodOptions| options.rpc.error.ends_with(&end);
    for options in service.method.iter_mut().filter_map(|method| method.options.as_mut()).filter(is_error) {
        options.rpc.error.clear();
    }
    if !messages.iter().any(|message| uses(message, &end)) {
        messages.remove(place);
    }
}

fn uses(message: &MessageDescriptor, end: &str) -> bool {
    message.field.iter().any(|field| field.type_name.ends_with(end))
        || message.nested_type.iter().any(|nested| uses(nested, end))
}

/// Where tools look for a file of this package that is called `name`: `library/v1/store.proto`.
pub(crate) fn file_name(package: &str, name: &str) -> String {
    let mut path = package.replace('.', "/");
    if !path.is_empty() {
        path.push('/');
    }
    path + &snake(name) + ".proto"
}

/// Values of enums stand beside the enums, not in them: `A_B` + `C` is `A` + `B_C`.
fn clashing_values(enums: &[crate::descriptor::EnumDescriptor]) -> Vec<String> {
    let names: Vec<&str> =
        enums.iter().flat_map(|described| &described.value).map(|value| value.name.as_str()).collect();
    let twice = order::groups(names.iter().copied()).into_iter().filter(|places| places.len() > 1);
    twice.map(|places| format!("two values of enums are called `{}`", names[places[0]])).collect()
}

impl Method {
    /// The names of the messages that are made for it where it needs them.
    fn messages(&self) -> [String; 3] {
        ["Request", "Response", "Error"].map(|suffix| format!("{}{suffix}", self.name))
    }

    /// Those of them that will be made: whole messages have names of their own.
    fn made_messages(&self) -> impl Iterator<Item = String> {
        let is_nameless = |shape: &Shape| !matches!(shape, Shape::Named(_) | Shape::WellKnown(_) | Shape::Foreign(_));
        let made = [
            match &self.arguments {
                Arguments::Fields(_) => true,
                Arguments::Whole(shape) => is_nameless(shape),
            },
            match &self.result {
                Outcome::Field(_) => true,
                Outcome::Whole(shape) => is_nameless(shape),
            },
            self.error.as_ref().is_some_and(is_nameless),
        ];
        self.messages().into_iter().zip(made).filter_map(|(name, is_made)| is_made.then_some(name))
    }

    fn lay_out(&self, layout: &mut Layout<'_>, messages: &mut Vec<MessageDescriptor>) -> MethodDescriptor {
        let [request, response, error] = self.messages();
        let mut made = Vec::new();
        let mut whole = |layout: &mut Layout<'_>, shape: &Shape, name: &str| {
            let (full_name, message) = layout.whole(shape, name);
            made.extend(message);
            full_name
        };
        let input_type = match &self.arguments {
            Arguments::Whole(shape) => whole(layout, shape, &request),
            Arguments::Fields(fields) => {
                messages.push(layout.message(&request, fields, TypeNotes::default()));
                layout.full_name(&request)
            }
        };
        let output_type = match &self.result {
            Outcome::Whole(shape) => whole(layout, shape, &response),
            Outcome::Field(field) => {
                let fields = field.as_slice();
                messages.push(layout.message(&response, fields, TypeNotes::default()));
                layout.full_name(&response)
            }
        };
        let error = match &self.error {
            Some(shape) => whole(layout, shape, &error),
            None => String::new(),
        };
        messages.append(&mut made);
        let rpc = MethodNotes {
            docs: self.docs.clone(),
            kind: self.kind,
            error,
            whole: !self.client_streaming && matches!(self.arguments, Arguments::Whole(_)),
        };
        let idempotency_level = match self.kind {
            MethodKind::Idempotent => IdempotencyLevel::Idempotent,
            MethodKind::Plain | MethodKind::Oneway => IdempotencyLevel::Unknown,
        };
        MethodDescriptor {
            name: self.name.clone(),
            input_type,
            output_type,
            options: Some(MethodOptions { idempotency_level, rpc }),
            client_streaming: self.client_streaming,
            server_streaming: self.server_streaming,
        }
    }
}

/// Adds what a method takes and returns.
pub type BuildMethod = for<'m, 'r> fn(&'m mut MethodBuilder<'r>) -> &'m mut MethodBuilder<'r>;

/// Collects what a method takes and returns.
#[derive(Debug)]
pub struct MethodBuilder<'r> {
    registry: &'r mut Registry,
    method: &'r mut Method,
}

impl MethodBuilder<'_> {
    /// An argument: a field of the message of arguments.
    pub fn argument<A: Message>(&mut self, tag: u32, name: &str) -> &mut Self {
        self.add(tag, name, Registry::field::<A>)
    }

    /// An argument with `#[rpc(as = "…")]`: `W` is the type on the wire, `A` the Rust type.
    pub fn argument_as<W: Representation, A: As<W>>(&mut self, tag: u32, name: &str) -> &mut Self {
        self.field(tag, name, A::describe(), false);
        self
    }

    fn add(&mut self, tag: u32, name: &str, describe: DescribeField) -> &mut Self {
        let (shape, required) = describe(self.registry);
        self.field(tag, name, shape, required);
        self
    }

    fn field(&mut self, tag: u32, name: &str, shape: Shape, required: bool) {
        if let Arguments::Fields(fields) = &mut self.method.arguments {
            fields.push(Field { tag, name: name.into(), docs: String::new(), shape, required });
        }
    }

    /// The result: field 1 of the message of results.
    pub fn returns<T: Message>(&mut self) -> &mut Self {
        self.result(Registry::field::<T>)
    }

    fn result(&mut self, describe: DescribeField) -> &mut Self {
        let (shape, required) = describe(self.registry);
        // Of `()` nothing crosses the wire.
        let is_empty = shape == Shape::WellKnown(WellKnown::Empty);
        let field = Field { tag: 1, name: "value".into(), docs: String::new(), shape, required };
        self.method.result = Outcome::Field((!is_empty).then_some(field));
        self
    }

    /// The one argument of a `#[rpc(message)]` method, which is the message of arguments.
    pub fn request<A: Message>(&mut self) -> &mut Self {
        self.method.arguments = Arguments::Whole(A::describe(self.registry));
        self
    }

    /// The result of a `#[rpc(message)]` method, which is the message of results.
    pub fn response<T: Message>(&mut self) -> &mut Self {
        self.method.result = Outcome::Whole(T::describe(self.registry));
        self
    }

    /// The items of the stream that the method takes: each is a message of arguments.
    pub fn items<A: Message>(&mut self) -> &mut Self {
        self.method.client_streaming = true;
        self.request::<A>()
    }

    /// The items of the stream that the method gives: each is a message of results.
    pub fn returns_items<T: Message>(&mut self) -> &mut Self {
        self.method.server_streaming = true;
        self.response::<T>()
    }

    /// The error.
    pub fn error<E: Message>(&mut self) -> &mut Self {
        self.method.error = Some(E::describe(self.registry));
        self
    }
}
