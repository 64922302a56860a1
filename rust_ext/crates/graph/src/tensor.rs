//! Tensors, and who may see them.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::error::{DecodeError, Fault};
use crate::felt::Felt;
use crate::wire::{Reader, Wire};

choice! {
    /// Who may see a tensor, and what binds it.
    Visibility {
        0 => Private,
        1 => Public,
        2 => Hashed { hash_is_public: bool, outlets: Vec<u64> },
        3 => KZGCommit,
        4 => Fixed,
    }
}

/// What a tensor can hold. Indices are part of an operator and are shown; values are data, and only counted.
pub trait Element: Wire {
    fn shown(values: &[Self]) -> Option<&[u64]>;
}

impl Element for u64 {
    fn shown(values: &[Self]) -> Option<&[u64]> {
        Some(values)
    }
}

impl Element for Felt {
    fn shown(_: &[Self]) -> Option<&[u64]> {
        None
    }
}

impl Element for f32 {
    fn shown(_: &[Self]) -> Option<&[u64]> {
        None
    }
}

/// Values in row-major order with their dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<T> {
    pub inner: Vec<T>,
    pub dims: Vec<u64>,
    pub scale: Option<i32>,
    pub visibility: Option<Visibility>,
}

impl<T: Wire> Wire for Tensor<T> {
    const MIN_BYTES: usize = 18;

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let inner: Vec<T> = r.field("inner")?;
        let dims: Vec<u64> = r.field("dims")?;
        let values = dims.iter().try_fold(1u64, |n, d| n.checked_mul(*d));
        if values != Some(inner.len() as u64) {
            return Err(r.fault_at(
                start,
                Fault::Shape {
                    values: inner.len(),
                    dims,
                },
            ));
        }
        Ok(Self {
            inner,
            dims,
            scale: r.field("scale")?,
            visibility: r.field("visibility")?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.inner.write(out);
        self.dims.write(out);
        self.scale.write(out);
        self.visibility.write(out);
    }
}

impl<T: Element> Serialize for Tensor<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = T::shown(&self.inner);
        let mut s = serializer.serialize_struct("Tensor", 4 + usize::from(shown.is_some()))?;
        s.serialize_field("len", &self.inner.len())?;
        s.serialize_field("dims", &self.dims)?;
        s.serialize_field("scale", &self.scale)?;
        s.serialize_field("visibility", &self.visibility)?;
        if let Some(values) = shown {
            s.serialize_field("values", values)?;
        }
        s.end()
    }
}
