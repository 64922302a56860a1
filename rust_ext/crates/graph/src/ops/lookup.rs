//! Operators that are one static table each.

choice! {
    /// A function of one integer, looked up. Scales and parameters are the `f32` that EZKL computes the table from.
    LookupOp {
        0 => Div { denom: f32 },
        1 => IsOdd,
        2 => PowersOfTwo { scale: f32 },
        3 => Ln { scale: f32 },
        4 => Sigmoid { scale: f32 },
        5 => Exp { scale: f32, base: f32 },
        6 => Cos { scale: f32 },
        7 => ACos { scale: f32 },
        8 => Cosh { scale: f32 },
        9 => ACosh { scale: f32 },
        10 => Sin { scale: f32 },
        11 => ASin { scale: f32 },
        12 => Sinh { scale: f32 },
        13 => ASinh { scale: f32 },
        14 => Tan { scale: f32 },
        15 => ATan { scale: f32 },
        16 => Tanh { scale: f32 },
        17 => ATanh { scale: f32 },
        18 => Erf { scale: f32 },
        19 => Pow { scale: f32, a: f32 },
        20 => HardSwish { scale: f32 },
    }
}
