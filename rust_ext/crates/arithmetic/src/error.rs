/// What a caller got wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// More scalars than bases.
    #[error("a column of {got} scalars for {expected} bases")]
    Length { expected: usize, got: usize },
    /// `ZKML_ARITHMETIC` is set to something else.
    #[error("ZKML_ARITHMETIC is scalar or avx2, or not set")]
    PathUnknown,
    /// `ZKML_ARITHMETIC` asks for instructions that the CPU lacks.
    #[error("ZKML_ARITHMETIC asks for avx2, and this CPU has no AVX2 with FMA")]
    PathMissing,
}
