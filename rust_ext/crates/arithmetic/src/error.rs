/// What a caller got wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// More scalars than bases.
    #[error("a column of {got} scalars for {expected} bases")]
    Length { expected: usize, got: usize },
    /// `ZKML_ARITHMETIC` is set to something else.
    #[error("ZKML_ARITHMETIC is scalar, avx2 or avx512, or not set")]
    PathUnknown,
    /// `ZKML_ARITHMETIC` asks for instructions that the CPU lacks.
    #[error("ZKML_ARITHMETIC asks for avx2, and this CPU has no AVX2 with FMA")]
    NoAvx2,
    #[error(
        "ZKML_ARITHMETIC asks for avx512, and this CPU has no AVX-512 with F, DQ, BW, VL and IFMA"
    )]
    NoAvx512,
}
