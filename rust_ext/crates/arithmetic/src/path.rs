//! Which arithmetic runs: chosen once, by what the CPU has, or by the environment variable `ZKML_ARITHMETIC`.

use std::sync::OnceLock;

use crate::ArithmeticError;
#[cfg(target_arch = "x86_64")]
use crate::vector::Avx2;

/// The variable that forces a path.
const VARIABLE: &str = "ZKML_ARITHMETIC";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Path {
    /// One element at a time, on 64-bit words.
    Scalar,
    /// Four elements at a time where that pays, in AVX2 registers.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
}

/// The name of the path that runs: `scalar` or `avx2`.
///
/// # Errors
///
/// If `ZKML_ARITHMETIC` names a path that is not known, or that this CPU lacks. Arithmetic is scalar then.
pub fn arithmetic() -> Result<&'static str, ArithmeticError> {
    chosen().map(|path| match path {
        Path::Scalar => "scalar",
        #[cfg(target_arch = "x86_64")]
        Path::Avx2(_) => "avx2",
    })
}

pub(crate) fn path() -> Path {
    chosen().unwrap_or(Path::Scalar)
}

fn chosen() -> Result<Path, ArithmeticError> {
    static CHOSEN: OnceLock<Result<Path, ArithmeticError>> = OnceLock::new();
    *CHOSEN.get_or_init(|| choose(std::env::var(VARIABLE).ok().as_deref()))
}

fn choose(asked: Option<&str>) -> Result<Path, ArithmeticError> {
    match asked {
        None | Some("") => Ok(fastest().unwrap_or(Path::Scalar)),
        Some("scalar") => Ok(Path::Scalar),
        Some("avx2") => fastest().ok_or(ArithmeticError::PathMissing),
        Some(_) => Err(ArithmeticError::PathUnknown),
    }
}

fn fastest() -> Option<Path> {
    #[cfg(target_arch = "x86_64")]
    return Avx2::detect().map(Path::Avx2);
    #[cfg(not(target_arch = "x86_64"))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_chosen_or_refused() {
        assert!(matches!(choose(Some("scalar")), Ok(Path::Scalar)));
        assert!(matches!(
            choose(Some("fast")),
            Err(ArithmeticError::PathUnknown)
        ));
        assert_eq!(fastest().is_some(), choose(Some("avx2")).is_ok());
        assert!(choose(None).is_ok());
    }
}
