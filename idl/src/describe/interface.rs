//! An interface as data: what its methods are called, take and return, and every type that they speak of.

use super::fingerprint::{self, Fingerprint};
use crate::descriptor::{FileDescriptor, MethodDescriptor, MethodKind, ServiceDescriptor};
use crate::{DecodeError, InterfaceBuilder, Writer, encode_message, from_slice};
use bytes::Bytes;

/// The description of an interface. It travels, so that an importer can be told what an exporter offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Interface {
    /// Has exactly one service.
    file: FileDescriptor,
    fingerprint: Fingerprint,
    problems: Vec<String>,
}

/// A method, as an [`Interface`] describes it.
#[derive(Debug, Clone, Copy)]
pub struct MethodDescription<'a>(&'a MethodDescriptor);

impl Interface {
    /// Starts the description of the interface `name` in `package`, which may be empty.
    pub fn build(package: &str, name: &str, docs: &str) -> InterfaceBuilder {
        InterfaceBuilder::new(package, name, docs)
    }

    pub(super) fn new(file: FileDescriptor, problems: Vec<String>) -> Self {
        let fingerprint = fingerprint::of(&file);
        Self { file, fingerprint, problems }
    }

    /// The full name: `library.v1.Store`, or `Store` without a package.
    #[must_use]
    pub fn name(&self) -> String {
        let name = &self.service().name;
        match self.file.package.as_str() {
            "" => name.clone(),
            package => format!("{package}.{name}"),
        }
    }

    /// The docs of the trait.
    #[must_use]
    pub fn docs(&self) -> &str {
        self.service().options.as_ref().map_or("", |options| &options.rpc.docs)
    }

    /// The methods, in the order of their declaration.
    pub fn methods(&self) -> impl Iterator<Item = MethodDescription<'_>> {
        self.service().method.iter().map(MethodDescription)
    }

    /// A number that two interfaces share if all that crosses the wire is the same.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// What is wrong with the description, in words for the author of the interface: names that clash.
    /// Calls work all the same; the `.proto` text and reflection would not be right.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The types and methods themselves.
    #[must_use]
    pub fn file(&self) -> &FileDescriptor {
        &self.file
    }

    pub(super) fn service(&self) -> &ServiceDescriptor {
        // Both ways to make an interface see to it that there is one.
        &self.file.service[0]
    }

    /// The text of the `.proto` that describes it, for callers in other languages; it begins with a line about where it
    /// comes from. Needs the feature `proto`, of this crate or of rpc-runtime.
    ///
    /// A test that compares it with a file in the repository keeps that file fresh. Several interfaces of one package:
    /// see [`files`](crate::files).
    #[cfg(feature = "proto")]
    #[must_use]
    pub fn to_proto(&self) -> String {
        let text = self.file.to_proto();
        format!("// Written from the interface `{}`: change that one, and renew this file.\n\n{text}", self.name())
    }

    /// The description as a `FileDescriptorProto`, to be sent.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = Writer::new();
        encode_message(&self.file, &mut out);
        out.into_bytes()
    }

    /// A description that came over the wire.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let file: FileDescriptor = from_slice(bytes)?;
        match file.service.len() {
            1 => Ok(Self::new(file, Vec::new())),
            _ => Err(DecodeError::invalid("a description is of exactly one interface")),
        }
    }
}

impl<'a> MethodDescription<'a> {
    /// Its name on the wire, in CamelCase.
    #[must_use]
    pub fn name(self) -> &'a str {
        &self.0.name
    }

    /// The docs of the method.
    #[must_use]
    pub fn docs(self) -> &'a str {
        self.0.options.as_ref().map_or("", |options| &options.rpc.docs)
    }

    /// How often it may run, and whether its caller waits for it.
    #[must_use]
    pub fn kind(self) -> MethodKind {
        self.0.options.as_ref().map_or(MethodKind::Plain, |options| options.rpc.kind)
    }
}
