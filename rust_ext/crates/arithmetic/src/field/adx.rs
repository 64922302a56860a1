//! Montgomery's product with MULX, ADCX and ADOX: two carry chains run side by side. The only unsafe code of this crate.
//!
//! The algorithm is that of `portable`: for each word of b, t ← (t + a·b_i + m·p)/2^64 with m = −t_0/p mod 2^64. Each block of
//! assembly reads two arrays and writes registers, nothing else: its operands are references to four words each and a static.

use std::arch::asm;

use super::{BASE, Field, Limbs, Multiply, SCALAR, negative_inverse};

/// Proof that this CPU has BMI2 and ADX.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adx(());

impl Adx {
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("bmi2") && is_x86_feature_detected!("adx")).then_some(Self(()))
    }
}

impl Multiply for Adx {
    #[inline(always)]
    fn mul<F: Field>(self, a: &Limbs, b: &Limbs) -> Limbs {
        // SAFETY: `detect` alone makes values of this type, and only where the CPU has both extensions.
        unsafe { F::mul_adx(a, b) }
    }
}

/// p and −p^{-1} mod 2^64.
static BASE_TABLE: [u64; 5] = table(BASE);
static SCALAR_TABLE: [u64; 5] = table(SCALAR);

const fn table(p: Limbs) -> [u64; 5] {
    [p[0], p[1], p[2], p[3], negative_inverse(p[0])]
}

/// t + a·b_i into t and the word h above it, b_i at byte offset $at; both flags are clear after XOR.
macro_rules! add_row {
    ($at:literal) => {
        concat!(
            "mov rdx, [{b}+",
            $at,
            "]\n",
            "xor {r:e}, {r:e}\n",
            "mulx {h}, {r}, {a0}\n",
            "adox {t0}, {r}\n",
            "adcx {t1}, {h}\n",
            "mulx {h}, {r}, {a1}\n",
            "adox {t1}, {r}\n",
            "adcx {t2}, {h}\n",
            "mulx {h}, {r}, {a2}\n",
            "adox {t2}, {r}\n",
            "adcx {t3}, {h}\n",
            "mulx {h}, {r}, {a3}\n",
            "adox {t3}, {r}\n",
            "mov {r:e}, 0\n",
            "adcx {h}, {r}\n",
            "adox {h}, {r}\n",
        )
    };
}

/// (t + m·p)/2^64 into t. The lowest word becomes zero and is dropped; its carry stays in the flag.
macro_rules! reduce_row {
    () => {
        concat!(
            "mov rdx, [rip+{p}+32]\n",
            "imul rdx, {t0}\n",
            "xor {r:e}, {r:e}\n",
            "mulx {c}, {r}, [rip+{p}]\n",
            "adcx {r}, {t0}\n",
            "mov {t0}, {c}\n",
            "mulx {c}, {r}, [rip+{p}+8]\n",
            "adcx {t0}, {t1}\n",
            "adox {t0}, {r}\n",
            "mov {t1}, {c}\n",
            "mulx {c}, {r}, [rip+{p}+16]\n",
            "adcx {t1}, {t2}\n",
            "adox {t1}, {r}\n",
            "mov {t2}, {c}\n",
            "mulx {c}, {r}, [rip+{p}+24]\n",
            "adcx {t2}, {t3}\n",
            "adox {t2}, {r}\n",
            "mov {t3}, {c}\n",
            "mov {r:e}, 0\n",
            "adcx {t3}, {r}\n",
            "adox {t3}, {h}\n",
        )
    };
}

macro_rules! product {
    ($name:ident, $table:ident) => {
        /// # Safety
        ///
        /// The CPU has BMI2 and ADX.
        #[inline(always)]
        pub(super) unsafe fn $name(a: &Limbs, b: &Limbs) -> Limbs {
            let (t0, t1, t2, t3): (u64, u64, u64, u64);
            // SAFETY: the instructions exist by the caller's promise; memory is only read, within b (32 bytes) and the static
            // (40 bytes); every register written is declared; the stack is not touched.
            unsafe {
                asm!(
                    "mov rdx, [{b}]",
                    "mulx {t1}, {t0}, {a0}",
                    "mulx {t2}, {r}, {a1}", "add {t1}, {r}",
                    "mulx {t3}, {r}, {a2}", "adc {t2}, {r}",
                    "mulx {h}, {r}, {a3}", "adc {t3}, {r}", "adc {h}, 0",
                    reduce_row!(),
                    add_row!("8"),
                    reduce_row!(),
                    add_row!("16"),
                    reduce_row!(),
                    add_row!("24"),
                    reduce_row!(),
                    a0 = in(reg) a[0], a1 = in(reg) a[1], a2 = in(reg) a[2], a3 = in(reg) a[3],
                    b = in(reg) b.as_ptr(), p = sym $table,
                    t0 = out(reg) t0, t1 = out(reg) t1, t2 = out(reg) t2, t3 = out(reg) t3,
                    h = out(reg) _, r = out(reg) _, c = out(reg) _, out("rdx") _,
                    options(pure, readonly, nostack),
                );
            }
            [t0, t1, t2, t3]
        }
    };
}

product!(mul_base, BASE_TABLE);
product!(mul_scalar, SCALAR_TABLE);
