//! Reading JSON from outside: bounded lists, labels, hex of fixed length; no key twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::bounds::{MAX_JSON_DEPTH, MAX_TEXT_BYTES};
use crate::error::{Malformed, ensure};
use crate::wire::{hex, to_hex};

/// Parses `data` as one JSON value of type T after bounding its size and depth.
pub fn parse<'de, T: Deserialize<'de>>(
    data: &'de [u8],
    what: &str,
    max_bytes: usize,
) -> Result<T, Malformed> {
    let place = || what.to_owned();
    ensure(
        data.len() <= max_bytes,
        place,
        "larger than its format allows",
    )?;
    ensure(depth(data) <= MAX_JSON_DEPTH, place, "nested too deeply")?;
    let text = str::from_utf8(data).map_err(|_| Malformed::new(what, "not valid UTF-8"))?;
    serde_json::from_str(text).map_err(|e| Malformed::new(what, e.to_string()))
}

/// The deepest nesting of brackets outside strings.
fn depth(data: &[u8]) -> u32 {
    let (mut now, mut deepest) = (0_u32, 0_u32);
    let (mut in_string, mut escaped) = (false, false);
    for byte in data {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => {
                now = now.saturating_add(1);
                deepest = deepest.max(now);
            }
            (false, b']' | b'}') => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A list of at most MAX items, refused while it is read and not after.
#[derive(Debug, Clone)]
pub struct List<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> std::ops::Deref for List<T, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Serialize, const MAX: usize> Serialize for List<T, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T, const MAX: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Items<T, MAX> {
            type Value = List<T, MAX>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, "a list of at most {MAX} items")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() >= MAX {
                        return Err(A::Error::invalid_length(MAX.saturating_add(1), &self));
                    }
                    items.push(item);
                }
                Ok(List(items))
            }
        }
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

/// N bytes written `0x` + 2N lower-case hex digits.
#[derive(Debug, Clone, Copy)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits<const N: usize>;
        impl<const N: usize> Visitor<'_> for Digits<N> {
            type Value = Hex<N>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, "0x and {} lower-case hex digits", N.saturating_mul(2))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                hex(text).map(Hex).ok_or_else(|| {
                    E::custom(format_args!(
                        "expected {}",
                        &self as &dyn serde::de::Expected
                    ))
                })
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

/// A label for people: 1 to 256 printable ASCII characters, so that what is shown is what is hashed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(pub String);

impl Serialize for Label {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let good = (1..=MAX_TEXT_BYTES).contains(&text.len())
            && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if good {
            Ok(Self(text))
        } else {
            Err(D::Error::custom(
                "a label is not 1 to 256 printable ASCII characters",
            ))
        }
    }
}

/// A label, an integer of 63 bits and a sign, or null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scalar {
    Null,
    Integer(i64),
    Label(Label),
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Integer(v) => serializer.serialize_i64(*v),
            Self::Label(v) => v.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a label, an integer or null")
            }
            fn visit_unit<E: Error>(self) -> Result<Scalar, E> {
                Ok(Scalar::Null)
            }
            fn visit_i64<E: Error>(self, v: i64) -> Result<Scalar, E> {
                integer(v).map(Scalar::Integer)
            }
            fn visit_u64<E: Error>(self, v: u64) -> Result<Scalar, E> {
                integer(v).map(Scalar::Integer)
            }
            fn visit_str<E: Error>(self, v: &str) -> Result<Scalar, E> {
                let label = serde::de::value::StrDeserializer::<E>::new(v);
                Label::deserialize(label).map(Scalar::Label)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// An integer above −2^63 and below 2^63.
fn integer<E: Error, T: TryInto<i64>>(value: T) -> Result<i64, E> {
    let value = value.try_into().ok().filter(|v| *v != i64::MIN);
    value.ok_or_else(|| E::custom("an integer beyond 64 bits"))
}

/// An object of labels and scalars, at most MAX of them, each key once.
#[derive(Debug, Clone)]
pub struct Table<const MAX: usize>(pub BTreeMap<Label, Scalar>);

impl<const MAX: usize> Serialize for Table<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Table<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<const MAX: usize>;
        impl<'de, const MAX: usize> Visitor<'de> for Entries<MAX> {
            type Value = Table<MAX>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                write!(f, "an object of at most {MAX} keys")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((key, value)) = map.next_entry()? {
                    if entries.len() >= MAX || entries.insert(key, value).is_some() {
                        return Err(A::Error::custom("too many keys, or one of them twice"));
                    }
                }
                Ok(Table(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// JSON that is read past: its syntax and the uniqueness of its keys are checked, nothing of it is kept.
pub struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Skipped {
    type Value = Self;
    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E: Error>(self) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<Self>()?.is_some() {}
        Ok(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut keys = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<Self>()?;
            if !keys.insert(key) {
                return Err(A::Error::custom("duplicate key"));
            }
        }
        Ok(self)
    }
}
