//! Fq2 = Fq[i]/(i² + 1), Fq6 = Fq2[v]/(v³ − ξ) with ξ = 9 + i, Fq12 = Fq6[w]/(w² − v).
//!
//! Products by Karatsuba's method; what is added up before the one reduction is `Wide`.

use super::fq::{Fq, Wide};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fq2 {
    pub re: Fq,
    pub im: Fq,
}

#[derive(Clone, Copy)]
struct Wide2 {
    re: Wide,
    im: Wide,
}

/// a + b·v + c·v².
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fq6(pub Fq2, pub Fq2, pub Fq2);

#[derive(Clone, Copy)]
struct Wide6(Wide2, Wide2, Wide2);

/// a + b·w.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fq12(pub Fq6, pub Fq6);

impl Fq2 {
    const ZERO: Self = Self {
        re: Fq::ZERO,
        im: Fq::ZERO,
    };
    const ONE: Self = Self {
        re: Fq::ONE,
        im: Fq::ZERO,
    };

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self {
            re: self.re.add(other.re),
            im: self.im.add(other.im),
        }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self {
            re: self.re.sub(other.re),
            im: self.im.sub(other.im),
        }
    }

    #[inline(always)]
    fn double(self) -> Self {
        self.add(self)
    }

    #[inline(always)]
    fn neg(self) -> Self {
        Self {
            re: self.re.neg(),
            im: self.im.neg(),
        }
    }

    #[inline(always)]
    pub(super) fn conjugate(self) -> Self {
        Self {
            re: self.re,
            im: self.im.neg(),
        }
    }

    #[inline(always)]
    pub(super) fn scale(self, factor: Fq) -> Self {
        Self {
            re: self.re.mul(factor),
            im: self.im.mul(factor),
        }
    }

    /// ξ·self = (9·re − im) + (9·im + re)·i.
    #[inline(always)]
    fn times_xi(self) -> Self {
        let eight = self.double().double().double();
        Self {
            re: eight.re.add(self.re).sub(self.im),
            im: eight.im.add(self.im).add(self.re),
        }
    }

    #[inline(always)]
    fn mul_wide(self, other: Self) -> Wide2 {
        let re = self.re.mul_wide(other.re);
        let im = self.im.mul_wide(other.im);
        let cross = self.re.sum(self.im).mul_wide(other.re.sum(other.im));
        Wide2 {
            re: re.sub(im),
            im: cross.sub(re).sub(im),
        }
    }

    #[inline(always)]
    pub(super) fn mul(self, other: Self) -> Self {
        self.mul_wide(other).reduced()
    }

    /// (re + im)(re − im) + 2·re·im·i.
    #[inline(always)]
    fn square_wide(self) -> Wide2 {
        Wide2 {
            re: self.re.sum(self.im).mul_one_wide(self.re.sub(self.im)),
            im: self.re.sum(self.re).mul_one_wide(self.im),
        }
    }

    fn inverse(self) -> Option<Self> {
        let norm = self.re.mul(self.re).add(self.im.mul(self.im));
        Some(self.conjugate().scale(norm.inverse()?))
    }
}

impl Wide2 {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self {
            re: self.re.add(other.re),
            im: self.im.add(other.im),
        }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self {
            re: self.re.sub(other.re),
            im: self.im.sub(other.im),
        }
    }

    #[inline(always)]
    fn times_xi(self) -> Self {
        let two = self.add(self);
        let four = two.add(two);
        let eight = four.add(four);
        Self {
            re: eight.re.add(self.re).sub(self.im),
            im: eight.im.add(self.im).add(self.re),
        }
    }

    #[inline(always)]
    fn reduced(self) -> Fq2 {
        Fq2 {
            re: self.re.reduced(),
            im: self.im.reduced(),
        }
    }
}

impl Fq6 {
    const ZERO: Self = Self(Fq2::ZERO, Fq2::ZERO, Fq2::ZERO);
    const ONE: Self = Self(Fq2::ONE, Fq2::ZERO, Fq2::ZERO);

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(
            self.0.add(other.0),
            self.1.add(other.1),
            self.2.add(other.2),
        )
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(
            self.0.sub(other.0),
            self.1.sub(other.1),
            self.2.sub(other.2),
        )
    }

    #[inline(always)]
    fn neg(self) -> Self {
        Self(self.0.neg(), self.1.neg(), self.2.neg())
    }

    /// v·self.
    #[inline(always)]
    fn times_v(self) -> Self {
        Self(self.2.times_xi(), self.0, self.1)
    }

    fn mul_wide(&self, other: &Self) -> Wide6 {
        let (Self(a0, a1, a2), Self(b0, b1, b2)) = (*self, *other);
        let v0 = a0.mul_wide(b0);
        let v1 = a1.mul_wide(b1);
        let v2 = a2.mul_wide(b2);
        let cross_12 = a1.add(a2).mul_wide(b1.add(b2)).sub(v1).sub(v2);
        let cross_01 = a0.add(a1).mul_wide(b0.add(b1)).sub(v0).sub(v1);
        let cross_02 = a0.add(a2).mul_wide(b0.add(b2)).sub(v0).sub(v2);
        Wide6(
            v0.add(cross_12.times_xi()),
            cross_01.add(v2.times_xi()),
            cross_02.add(v1),
        )
    }

    fn mul(&self, other: &Self) -> Self {
        self.mul_wide(other).reduced()
    }

    /// self·(b0 + b1·v).
    fn mul_sparse_wide(&self, b0: Fq2, b1: Fq2) -> Wide6 {
        let Self(a0, a1, a2) = *self;
        let v0 = a0.mul_wide(b0);
        let v1 = a1.mul_wide(b1);
        let cross_01 = a0.add(a1).mul_wide(b0.add(b1)).sub(v0).sub(v1);
        Wide6(
            v0.add(a2.mul_wide(b1).times_xi()),
            cross_01,
            v1.add(a2.mul_wide(b0)),
        )
    }

    /// With c0 = a0² − ξ·a1·a2, c1 = ξ·a2² − a0·a1, c2 = a1² − a0·a2: 1/self = (c0 + c1·v + c2·v²)/(a0·c0 + ξ·(a2·c1 + a1·c2)).
    fn inverse(&self) -> Option<Self> {
        let Self(a0, a1, a2) = *self;
        let c0 = a0.mul(a0).sub(a1.mul(a2).times_xi());
        let c1 = a2.mul(a2).times_xi().sub(a0.mul(a1));
        let c2 = a1.mul(a1).sub(a0.mul(a2));
        let norm = a0
            .mul(c0)
            .add(a2.mul(c1).add(a1.mul(c2)).times_xi())
            .inverse()?;
        Some(Self(c0.mul(norm), c1.mul(norm), c2.mul(norm)))
    }
}

impl Wide6 {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(
            self.0.add(other.0),
            self.1.add(other.1),
            self.2.add(other.2),
        )
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(
            self.0.sub(other.0),
            self.1.sub(other.1),
            self.2.sub(other.2),
        )
    }

    #[inline(always)]
    fn times_v(self) -> Self {
        Self(self.2.times_xi(), self.0, self.1)
    }

    #[inline(always)]
    fn reduced(self) -> Fq6 {
        Fq6(self.0.reduced(), self.1.reduced(), self.2.reduced())
    }
}

impl Fq12 {
    pub(super) const ONE: Self = Self(Fq6::ONE, Fq6::ZERO);

    pub(super) fn mul(&self, other: &Self) -> Self {
        let v0 = self.0.mul_wide(&other.0);
        let v1 = self.1.mul_wide(&other.1);
        let cross = self.0.add(self.1).mul_wide(&other.0.add(other.1));
        Self(
            v0.add(v1.times_v()).reduced(),
            cross.sub(v0).sub(v1).reduced(),
        )
    }

    /// (a + b)(a + v·b) − (1 + v)·ab + 2ab·w.
    pub(super) fn square(&self) -> Self {
        let product = self.0.mul(&self.1);
        let both = self.0.add(self.1).mul(&self.0.add(self.1.times_v()));
        Self(
            both.sub(product).sub(product.times_v()),
            product.add(product),
        )
    }

    /// self·(1 + (c0 + c1·v)·w): what a line is, up to a factor of Fq.
    pub(super) fn mul_line(&self, c0: Fq2, c1: Fq2) -> Self {
        let low = self.1.mul_sparse_wide(c0, c1).times_v().reduced();
        let high = self.0.mul_sparse_wide(c0, c1).reduced();
        Self(self.0.add(low), self.1.add(high))
    }

    /// a − b·w, which is self^(p^6); the inverse where the norm over Fq6 is 1.
    pub(super) fn conjugate(&self) -> Self {
        Self(self.0, self.1.neg())
    }

    pub(super) fn inverse(&self) -> Option<Self> {
        let norm = self.0.mul(&self.0).sub(self.1.mul(&self.1).times_v());
        let inverse = norm.inverse()?;
        Some(Self(self.0.mul(&inverse), self.1.mul(&inverse).neg()))
    }

    /// The square of an element whose order divides p⁴ − p² + 1 (Granger, Scott, PKC 2010): with s = w³, self = A + B·w + C·w² over Fq4 =
    /// Fq2[s]/(s² − ξ), and the square is (3A² − 2Ā) + (3s·C² + 2B̄)·w + (3B² − 2C̄)·w².
    pub(super) fn cyclotomic_square(&self) -> Self {
        let Self(Fq6(g0, g2, g4), Fq6(g1, g3, g5)) = *self;
        let (a0, a1) = fq4_square(g0, g3);
        let (b0, b1) = fq4_square(g1, g4);
        let (c0, c1) = fq4_square(g2, g5);
        // 3x − 2g and 3x + 2g.
        let minus = |x: Fq2, g: Fq2| x.sub(g).double().add(x);
        let plus = |x: Fq2, g: Fq2| x.add(g).double().add(x);
        Self(
            Fq6(minus(a0, g0), minus(b0, g2), minus(c0, g4)),
            Fq6(plus(c1.times_xi(), g1), plus(a1, g3), plus(b1, g5)),
        )
    }
}

/// (a + b·s)² with s² = ξ.
#[inline(always)]
fn fq4_square(a: Fq2, b: Fq2) -> (Fq2, Fq2) {
    let (squared_a, squared_b) = (a.square_wide(), b.square_wide());
    let cross = a.add(b).square_wide().sub(squared_a).sub(squared_b);
    (
        squared_a.add(squared_b.times_xi()).reduced(),
        cross.reduced(),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ff::Field;
    use halo2curves::bn256 as library;
    use halo2curves::ff_ext::ExtField;
    use rand_core::OsRng;

    pub(in crate::pairing) fn from_library(value: &library::Fq12) -> Fq12 {
        let fq2 = |value: &library::Fq2| Fq2 {
            re: Fq::from_library(value.c0()),
            im: Fq::from_library(value.c1()),
        };
        let fq6 = |value: &library::Fq6| Fq6(fq2(value.c0()), fq2(value.c1()), fq2(value.c2()));
        Fq12(fq6(value.c0()), fq6(value.c1()))
    }

    /// Random elements, and some with zeros and with the largest coordinates.
    fn elements() -> Vec<library::Fq12> {
        let largest = library::Fq2::new(-library::Fq::ONE, -library::Fq::ONE);
        let (zero, six) = (
            library::Fq6::ZERO,
            library::Fq6::new(largest, largest, largest),
        );
        let mut all = vec![
            library::Fq12::ZERO,
            library::Fq12::ONE,
            library::Fq12::new(six, six),
            library::Fq12::new(zero, six),
            library::Fq12::new(six, zero),
        ];
        all.extend((0..12).map(|_| library::Fq12::random(OsRng)));
        all
    }

    #[test]
    fn the_tower_is_the_library_s() {
        for a in elements() {
            let ours = from_library(&a);
            assert_eq!(ours.square(), from_library(&(a * a)));
            let inverse: Option<library::Fq12> = a.invert().into();
            assert_eq!(ours.inverse(), inverse.map(|value| from_library(&value)));
            let mut conjugate = a;
            conjugate.conjugate();
            assert_eq!(ours.conjugate(), from_library(&conjugate));
            for b in elements() {
                assert_eq!(ours.mul(&from_library(&b)), from_library(&(a * b)));
            }
        }
    }

    #[test]
    fn a_line_is_multiplied_like_any_element() {
        for a in elements() {
            for b in elements() {
                let Fq12(_, Fq6(c0, c1, _)) = from_library(&b);
                let line = Fq12(Fq6::ONE, Fq6(c0, c1, Fq2::ZERO));
                let ours = from_library(&a);
                assert_eq!(ours.mul_line(c0, c1), ours.mul(&line));
            }
        }
    }

    #[test]
    fn cyclotomic_squares_are_squares() {
        for a in elements().iter().filter(|a| !bool::from(a.is_zero())) {
            // a^((p⁶ − 1)(p² + 1)) is in the subgroup.
            let mut conjugate = *a;
            conjugate.conjugate();
            let b = conjugate * a.invert().unwrap();
            let mut c = b;
            c.frobenius_map(2);
            let ours = from_library(&(c * b));
            assert_eq!(ours.cyclotomic_square(), ours.square());
        }
    }
}
