//! bincode 1.3, default configuration, read with bounds and written back.
//!
//! The reader knows where it is (byte and field) so that an error can say so, never reads past the end, never allocates for a
//! length that the remaining bytes cannot hold, and never recurses deeper than [`MAX_NESTING`].

use crate::error::{DecodeError, Fault};

/// How deep operators may wrap operators and subgraphs hold subgraphs. EZKL's own files go to 3.
pub const MAX_NESTING: usize = 24;

/// A list grows as its items arrive; no more than this many are allocated for on the word of a length.
const FIRST_ALLOCATION: usize = 1024;

#[derive(Clone, Copy)]
enum Step {
    Name(&'static str),
    Index(u64),
}

/// Bytes from outside, with a cursor that knows its place.
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
    nesting: usize,
    path: Vec<Step>,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            offset: 0,
            nesting: 0,
            path: Vec::new(),
        }
    }

    /// The number of bytes consumed so far.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The number of bytes not yet consumed.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// An error at byte `offset` of the current field.
    pub fn fault_at(&self, offset: usize, fault: Fault) -> DecodeError {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Name(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Index(i) => path.push_str(&format!("[{i}]")),
            }
        }
        if path.is_empty() {
            path.push_str("file");
        }
        DecodeError {
            offset,
            path,
            fault,
        }
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], DecodeError> {
        let Some((head, tail)) = self.rest.split_at_checked(n) else {
            let fault = Fault::Truncated {
                needed: n as u64,
                left: self.rest.len() as u64,
            };
            return Err(self.fault_at(self.offset, fault));
        };
        self.rest = tail;
        self.offset += n;
        Ok(head)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut out = [0u8; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    /// The value of the named field. The name stays on the path when the value does not decode.
    pub fn field<T: Wire>(&mut self, name: &'static str) -> Result<T, DecodeError> {
        self.within(Step::Name(name), T::read)
    }

    /// What `read` reads inside the named variant.
    pub(crate) fn variant<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        self.within(Step::Name(name), read)
    }

    /// What `read` reads for item `i` of a list, or for key `i` of a map.
    pub(crate) fn item<T>(
        &mut self,
        i: u64,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        self.within(Step::Index(i), read)
    }

    fn within<T>(
        &mut self,
        step: Step,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        self.path.push(step);
        let value = read(self)?;
        self.path.pop();
        Ok(value)
    }

    /// What `read` reads one level further down. Fails beyond [`MAX_NESTING`].
    pub fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.nesting >= MAX_NESTING {
            return Err(self.fault_at(self.offset, Fault::TooDeep { limit: MAX_NESTING }));
        }
        self.nesting += 1;
        let value = read(self)?;
        self.nesting -= 1;
        Ok(value)
    }

    /// A length prefix, checked against the bytes left when each item takes `item_bytes` or more.
    pub fn length(&mut self, item_bytes: usize) -> Result<usize, DecodeError> {
        let start = self.offset;
        let count = u64::read(self)?;
        let left = self.rest.len() as u64;
        match usize::try_from(count) {
            Ok(n) if count <= left / (item_bytes.max(1) as u64) => Ok(n),
            _ => Err(self.fault_at(start, Fault::TooLong { count, left })),
        }
    }

    /// Nothing, when all bytes are consumed.
    pub fn end(&self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(self.fault_at(self.offset, Fault::Trailing { left })),
        }
    }
}

/// A value with one encoding.
pub trait Wire: Sized {
    /// The length of the shortest encoding; a list of n takes n times as many bytes.
    const MIN_BYTES: usize;

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError>;
    fn write(&self, out: &mut Vec<u8>);
}

macro_rules! number {
    ($($t:ty),*) => {$(
        impl Wire for $t {
            const MIN_BYTES: usize = size_of::<$t>();
            fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(<$t>::from_le_bytes(r.array()?))
            }
            fn write(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
number!(u32, i32, u64, i64, u128, i128, f32, f64);

fn bit(r: &mut Reader<'_>) -> Result<bool, DecodeError> {
    let start = r.offset();
    match r.array::<1>()? {
        [0] => Ok(false),
        [1] => Ok(true),
        [byte] => Err(r.fault_at(start, Fault::NotABit { byte })),
    }
}

impl Wire for bool {
    const MIN_BYTES: usize = 1;
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        bit(r)
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Wire for String {
    const MIN_BYTES: usize = 8;
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let n = r.length(1)?;
        let start = r.offset();
        match std::str::from_utf8(r.take(n)?) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(r.fault_at(start, Fault::NotUtf8)),
        }
    }
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        out.extend_from_slice(self.as_bytes());
    }
}

/// A `char` is its UTF-8 bytes; the first one says how many.
impl Wire for char {
    const MIN_BYTES: usize = 1;
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let [first] = r.array::<1>()?;
        let more = match first {
            0x00..=0x7f => 0,
            0xc0..=0xdf => 1,
            0xe0..=0xef => 2,
            0xf0..=0xf7 => 3,
            _ => return Err(r.fault_at(start, Fault::NotUtf8)),
        };
        let mut bytes = vec![first];
        bytes.extend_from_slice(r.take(more)?);
        let only = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.chars().next());
        only.ok_or_else(|| r.fault_at(start, Fault::NotUtf8))
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

impl<T: Wire> Wire for Option<T> {
    const MIN_BYTES: usize = 1;
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        if bit(r)? {
            T::read(r).map(Some)
        } else {
            Ok(None)
        }
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_some()));
        if let Some(value) = self {
            value.write(out);
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    const MIN_BYTES: usize = 8;
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let n = r.length(T::MIN_BYTES)?;
        let mut items = Vec::with_capacity(n.min(FIRST_ALLOCATION));
        for i in 0..n {
            items.push(r.item(i as u64, T::read)?);
        }
        Ok(items)
    }
    fn write(&self, out: &mut Vec<u8>) {
        (self.len() as u64).write(out);
        for item in self {
            item.write(out);
        }
    }
}

/// A box adds no bytes, and a level of nesting: only values that can hold their own kind are boxed.
impl<T: Wire> Wire for Box<T> {
    const MIN_BYTES: usize = T::MIN_BYTES;
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.nested(T::read).map(Box::new)
    }
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    const MIN_BYTES: usize = A::MIN_BYTES + B::MIN_BYTES;
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok((r.field("0")?, r.field("1")?))
    }
    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
        self.1.write(out);
    }
}

/// A struct whose encoding is that of its fields, one after the other.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty),* }

        impl $crate::wire::Wire for $name {
            const MIN_BYTES: usize = 0 $(+ <$ty as $crate::wire::Wire>::MIN_BYTES)*;
            fn read(r: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::error::DecodeError> {
                Ok(Self { $($field: r.field(stringify!($field))?),* })
            }
            fn write(&self, out: &mut Vec<u8>) {
                $($crate::wire::Wire::write(&self.$field, out);)*
            }
        }
    };
}

/// An enum whose encoding is a `u32` tag, then that of the variant's fields.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident {
        $($tag:literal => $variant:ident
            $(($value:ident: $value_ty:ty))?
            $({ $($field:ident: $ty:ty),* $(,)? })?
        ),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        pub enum $name { $($variant $(($value_ty))? $({ $($field: $ty),* })?),* }

        impl $crate::wire::Wire for $name {
            const MIN_BYTES: usize = 4;
            fn read(r: &mut $crate::wire::Reader<'_>) -> Result<Self, $crate::error::DecodeError> {
                let start = r.offset();
                match <u32 as $crate::wire::Wire>::read(r)? {
                    $($tag => r.variant(stringify!($variant), |_r| Ok(Self::$variant
                        $((<$value_ty as $crate::wire::Wire>::read(_r)?))?
                        $({ $($field: _r.field(stringify!($field))?),* })?
                    )),)*
                    tag => Err(r.fault_at(start, $crate::error::Fault::UnknownTag { of: stringify!($name), tag })),
                }
            }
            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($value))? $({ $($field),* })? => {
                        $crate::wire::Wire::write(&($tag as u32), out);
                        $($crate::wire::Wire::write($value, out);)?
                        $($($crate::wire::Wire::write($field, out);)*)?
                    })*
                }
            }
        }
    };
}
