//! Docs where protobuf's own tools look for them.

use crate::descriptor::{
    EnumDescriptor, FileDescriptor, Location, MessageDescriptor, ServiceDescriptor, SourceCodeInfo,
};

impl FileDescriptor {
    /// The same with the docs in [`source_code_info`](Self::source_code_info) as well, for tools that do not
    /// know our options: reflection, protoc's plugins.
    #[must_use]
    pub fn with_comments(mut self) -> Self {
        let mut comments = Comments { path: Vec::new(), info: SourceCodeInfo::default() };
        // The numbers are those of the fields in `descriptor.proto`.
        comments.each(4, &self.message_type, Comments::message);
        comments.each(5, &self.enum_type, Comments::enumeration);
        comments.each(6, &self.service, Comments::service);
        self.source_code_info = Some(comments.info);
        self
    }
}

struct Comments {
    /// Where we are: pairs of a field's number and a place in it.
    path: Vec<i32>,
    info: SourceCodeInfo,
}

impl Comments {
    fn each<T>(&mut self, number: i32, things: &[T], visit: fn(&mut Self, &T)) {
        for (place, thing) in (0..).zip(things) {
            self.path.extend([number, place]);
            visit(self, thing);
            self.path.truncate(self.path.len() - 2);
        }
    }

    fn comment(&mut self, docs: Option<&str>) {
        if let Some(docs) = docs.filter(|docs| !docs.is_empty()) {
            // Tools print it after `//`, and expect the space and the line's end.
            let lines = docs.lines().map(|line| if line.is_empty() { "\n".into() } else { format!(" {line}\n") });
            self.info.location.push(Location {
                path: self.path.clone(),
                span: vec![0, 0, 0],
                leading_comments: lines.collect(),
            });
        }
    }

    fn message(&mut self, message: &MessageDescriptor) {
        self.comment(message.options.as_ref().map(|options| &*options.rpc.docs));
        self.each(2, &message.field, |comments, field| {
            comments.comment(field.options.as_ref().map(|options| &*options.rpc.docs));
        });
        self.each(3, &message.nested_type, Self::message);
        self.each(4, &message.enum_type, Self::enumeration);
    }

    fn enumeration(&mut self, described: &EnumDescriptor) {
        self.comment(described.options.as_ref().map(|options| &*options.rpc.docs));
        self.each(2, &described.value, |comments, value| {
            comments.comment(value.options.as_ref().map(|options| &*options.rpc.docs));
        });
    }

    fn service(&mut self, service: &ServiceDescriptor) {
        self.comment(service.options.as_ref().map(|options| &*options.rpc.docs));
        self.each(2, &service.method, |comments, method| {
            comments.comment(method.options.as_ref().map(|options| &*options.rpc.docs));
        });
    }
}
