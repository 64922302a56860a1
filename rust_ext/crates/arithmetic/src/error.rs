/// What a caller got wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    /// More scalars than bases.
    #[error("a column of {got} scalars for {expected} bases")]
    Length { expected: usize, got: usize },
}
