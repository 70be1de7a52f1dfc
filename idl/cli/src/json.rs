//! Messages as JSON, by the mapping of proto3, and back.

use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions};
use serde::Serializer;
use serde::de::DeserializeSeed;
use serde_path_to_error::{Path, Segment};

/// A message as bytes; the error names the field that is wrong, and those there are.
pub(crate) fn encode(descriptor: &MessageDescriptor, text: &str) -> Result<Vec<u8>, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let message = descriptor.clone().deserialize(tracked).and_then(|message| json.end().map(|()| message));
    match message {
        Ok(message) => Ok(message.encode_to_vec()),
        Err(error) => {
            let path = track.path();
            let words = path.to_string();
            let place = if words == "." { String::new() } else { format!("`{words}`: ") };
            let fields = match innermost(descriptor, &path) {
                inner if inner == *descriptor => fields(descriptor),
                inner => fields(&inner).replacen("it has", &format!("{} has", inner.full_name()), 1),
            };
            Err(format!("the JSON is no {}: {place}{error}\n  {fields}", descriptor.full_name()))
        }
    }
}

/// A message as JSON for people, over several lines. What has its type's default is there too.
pub(crate) fn decode(descriptor: &MessageDescriptor, bytes: &[u8]) -> Result<String, String> {
    let mut json = Vec::new();
    write(descriptor, bytes, &mut serde_json::Serializer::pretty(&mut json))?;
    String::from_utf8(json).map_err(|error| error.to_string())
}

/// The same in one line.
pub(crate) fn decode_line(descriptor: &MessageDescriptor, bytes: &[u8]) -> Result<String, String> {
    let mut json = Vec::new();
    write(descriptor, bytes, &mut serde_json::Serializer::new(&mut json))?;
    String::from_utf8(json).map_err(|error| error.to_string())
}

fn write<S: Serializer>(descriptor: &MessageDescriptor, bytes: &[u8], json: S) -> Result<(), String> {
    let message = DynamicMessage::decode(descriptor.clone(), bytes)
        .map_err(|error| format!("it is no {}: {error}", descriptor.full_name()))?;
    let options = SerializeOptions::new().skip_default_fields(false);
    message.serialize_with_options(json, &options).map(drop).map_err(|error| error.to_string())
}

/// The message that a path within another leads into.
fn innermost(descriptor: &MessageDescriptor, path: &Path) -> MessageDescriptor {
    let mut inner = descriptor.clone();
    for segment in path.iter() {
        let Segment::Map { key } = segment else { continue };
        let field = inner.get_field_by_json_name(key).or_else(|| inner.get_field_by_name(key));
        match field.filter(|field| !field.is_map()).map(|field| field.kind()) {
            // Google's have forms of their own in JSON.
            Some(Kind::Message(message)) if message.package_name() != "google.protobuf" => inner = message,
            _ => break,
        }
    }
    inner
}

/// The fields of a message, in words.
pub(crate) fn fields(descriptor: &MessageDescriptor) -> String {
    let fields: Vec<String> =
        descriptor.fields().map(|field| format!("{} ({})", field.json_name(), kind(&field))).collect();
    match fields.as_slice() {
        [] => "it has no fields: write {}".to_owned(),
        fields => format!("it has {}", fields.join(", ")),
    }
}

fn kind(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(message) if field.is_map() => {
            return match (message.get_field(1), message.get_field(2)) {
                (Some(key), Some(value)) => format!("map of {} to {}", self::kind(&key), self::kind(&value)),
                _ => "map".to_owned(),
            };
        }
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(names) => {
            let names: Vec<String> = names.values().map(|value| value.name().to_owned()).collect();
            format!("one of {}", names.join(", "))
        }
        Kind::Uint64 | Kind::Fixed64 => "uint64".to_owned(),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "int64".to_owned(),
        Kind::Uint32 | Kind::Fixed32 => "uint32".to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "int32".to_owned(),
        Kind::Bytes => "bytes, as base64".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    };
    if field.is_list() { format!("list of {kind}") } else { kind }
}
