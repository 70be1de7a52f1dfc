//! Maps: repeated pairs of a key and its value.

use crate::{DecodeError, Message, Reader, Registry, Shape, Wire, Writer, present};
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

/// Reads one pair. Of a key that comes twice, the last value counts: pairs are not merged.
fn decode_pair<K: Message, V: Message>(wire: Wire, r: &mut Reader<'_>) -> Result<(K, V), DecodeError> {
    let (mut key, mut value) = (None, None);
    r.message(wire, |r| {
        while let Some((tag, wire)) = r.next_field()? {
            match tag {
                1 => key = Some(r.field(key.take(), wire, "key")?),
                2 => value = Some(r.field(value.take(), wire, "value")?),
                _ => r.skip(wire)?,
            }
        }
        Ok(())
    })?;
    Ok((present(&mut key, "key")?, present(&mut value, "value")?))
}

macro_rules! map {
    ($name:ident<K, V $(, $hasher:ident)?> where K: $($bound:path),+) => {
        impl<K, V, $($hasher)?> Message for $name<K, V, $($hasher)?>
        where
            K: Message $(+ $bound)+,
            V: Message,
            $($hasher: BuildHasher + Default + Send + Sync + 'static,)?
        {
            const WIRE: Wire = Wire::Len;

            fn encode(&self, tag: u32, out: &mut Writer) {
                for (key, value) in self {
                    out.message(tag, |out| {
                        out.field(1, key);
                        out.field(2, value);
                    });
                }
            }

            fn merge(
                slot: &mut Option<Self>,
                wire: Wire,
                r: &mut Reader<'_>,
            ) -> Result<(), DecodeError> {
                let (key, value) = decode_pair(wire, r)?;
                slot.get_or_insert_default().insert(key, value);
                Ok(())
            }

            fn absent() -> Option<Self> {
                Some(Self::default())
            }

            fn describe(registry: &mut Registry) -> Shape {
                let key = K::describe(registry);
                Shape::Map(Box::new(key), Box::new(V::describe(registry)))
            }
        }
    };
}

map!(HashMap<K, V, S> where K: Eq, Hash);
map!(BTreeMap<K, V> where K: Ord);
