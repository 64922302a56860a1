//! Which arithmetic runs: chosen once, by what the CPU has, or by the environment variable `ZKML_ARITHMETIC`.

use std::sync::OnceLock;

use crate::ArithmeticError;
#[cfg(target_arch = "x86_64")]
use crate::{ifma::Avx512, vector::Avx2};

/// The variable that forces a path.
const VARIABLE: &str = "ZKML_ARITHMETIC";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Path {
    /// One element at a time, on 64-bit words.
    Scalar,
    /// Four elements at a time where that pays, in AVX2 registers.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// Eight, in AVX-512 registers.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Path {
    fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
        }
    }

    /// Those that this CPU has, the fastest first.
    pub(crate) fn all() -> Vec<Self> {
        let vectors: [Option<Self>; _] = [
            #[cfg(target_arch = "x86_64")]
            Avx512::detect().map(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            Avx2::detect().map(Self::Avx2),
        ];
        vectors
            .into_iter()
            .flatten()
            .chain([Self::Scalar])
            .collect()
    }
}

/// The name of the path that runs: `scalar`, `avx2` or `avx512`.
///
/// # Errors
///
/// If `ZKML_ARITHMETIC` names a path that is not known, or that this CPU lacks. Arithmetic is scalar then.
pub fn arithmetic() -> Result<&'static str, ArithmeticError> {
    chosen().map(Path::name)
}

pub(crate) fn path() -> Path {
    chosen().unwrap_or(Path::Scalar)
}

fn chosen() -> Result<Path, ArithmeticError> {
    static CHOSEN: OnceLock<Result<Path, ArithmeticError>> = OnceLock::new();
    *CHOSEN.get_or_init(|| choose(std::env::var(VARIABLE).ok().as_deref()))
}

fn choose(asked: Option<&str>) -> Result<Path, ArithmeticError> {
    let mut all = Path::all().into_iter();
    let missing = match asked {
        None | Some("") => return Ok(all.next().unwrap_or(Path::Scalar)),
        Some("avx2") => ArithmeticError::NoAvx2,
        Some("avx512") => ArithmeticError::NoAvx512,
        Some(_) => ArithmeticError::PathUnknown,
    };
    all.find(|path| asked == Some(path.name())).ok_or(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_chosen_or_refused() {
        for (name, missing) in [
            ("scalar", None),
            ("avx2", Some(ArithmeticError::NoAvx2)),
            ("avx512", Some(ArithmeticError::NoAvx512)),
        ] {
            let has = Path::all().iter().any(|path| path.name() == name);
            let chosen = choose(Some(name)).map(Path::name);
            match missing {
                Some(missing) if !has => assert_eq!(chosen, Err(missing)),
                _ => assert_eq!(chosen, Ok(name)),
            }
        }
        let unknown = choose(Some("fast")).map(Path::name);
        assert_eq!(unknown, Err(ArithmeticError::PathUnknown));
    }

    #[test]
    fn the_widest_is_chosen_where_none_is_asked_for() {
        #[cfg(target_arch = "x86_64")]
        let widest = if Avx512::detect().is_some() {
            "avx512"
        } else if Avx2::detect().is_some() {
            "avx2"
        } else {
            "scalar"
        };
        #[cfg(not(target_arch = "x86_64"))]
        let widest = "scalar";
        for asked in [None, Some("")] {
            assert_eq!(choose(asked).map(Path::name), Ok(widest));
        }
    }
}
