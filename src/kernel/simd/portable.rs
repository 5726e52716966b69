//! Vectors of 128 bits as arrays, which the compiler turns into the target's baseline instructions
//! (SSE2, NEON).

use std::ops::Add;

use super::{Operation, Simd, Vector};

/// The sum of an array of 2^n elements: its halves are added lane by lane until one is left.
#[inline(always)]
pub(super) fn sum_halves<T: Copy + Add<Output = T>, const N: usize>(mut lanes: [T; N]) -> T {
    let mut half = N / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = lanes[lane] + lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// The target's baseline, which every CPU has that runs this at all.
#[derive(Clone, Copy)]
pub struct Portable;

macro_rules! vector {
    ($vector:ident, $element:ident, $bits:ident, $lanes:literal) => {
        #[derive(Clone, Copy)]
        #[repr(align(16))]
        pub struct $vector([$element; $lanes]);

        impl $vector {
            const FRACTION_BITS: u32 = $element::MANTISSA_DIGITS - 1;
            const EXPONENT_BIAS: $element = $element::MAX_EXP as $element - 1.0;
            /// 2^23 or 2^52: the last bit of the fraction counts ones.
            const ONES: $element = 2.0 / $element::EPSILON / 2.0;

            #[inline(always)]
            fn map(mut self, function: impl Fn($element) -> $element) -> Self {
                for lane in &mut self.0 {
                    *lane = function(*lane);
                }
                self
            }

            #[inline(always)]
            fn zip(mut self, other: Self, function: impl Fn($element, $element) -> $element) -> Self {
                for lane in 0..$lanes {
                    self.0[lane] = function(self.0[lane], other.0[lane]);
                }
                self
            }

            #[inline(always)]
            fn compare(self, other: Self, function: impl Fn(&$element, &$element) -> bool) -> [bool; $lanes] {
                let mut mask = [false; $lanes];
                for lane in 0..$lanes {
                    mask[lane] = function(&self.0[lane], &other.0[lane]);
                }
                mask
            }

            /// `2^self` for integers that are exponents of normal numbers: `1.5 ONES + bias + self`
            /// has the biased exponent in its last bits, and a shift moves it to its place.
            #[inline(always)]
            fn power_of_two(self) -> Self {
                let biased = self.add(Self([1.5 * Self::ONES + Self::EXPONENT_BIAS; $lanes]));
                biased.map(|lane| $element::from_bits(lane.to_bits() << Self::FRACTION_BITS))
            }
        }

        impl Simd<$element> for Portable {
            type Vector = $vector;
            const REGISTERS: usize = 16;
            const TERMS_PER_ITERATION: usize = 1;

            #[inline(always)]
            fn splat(self, value: $element) -> $vector {
                $vector([value; $lanes])
            }
            #[inline(always)]
            unsafe fn load(self, pointer: *const $element) -> $vector {
                // SAFETY: the caller promises `LANES` readable elements.
                $vector(unsafe { pointer.cast::<[$element; $lanes]>().read_unaligned() })
            }
            #[inline(always)]
            unsafe fn load_partial(self, pointer: *const $element, count: usize) -> $vector {
                let mut lanes = [0.0; $lanes];
                for lane in 0..count.min($lanes) {
                    // SAFETY: the caller promises `count` readable elements.
                    lanes[lane] = unsafe { pointer.add(lane).read() };
                }
                $vector(lanes)
            }
            #[inline(always)]
            fn select(self, mask: [bool; $lanes], yes: $vector, no: $vector) -> $vector {
                let mut chosen = no;
                for lane in 0..$lanes {
                    chosen.0[lane] = if mask[lane] { yes.0[lane] } else { no.0[lane] };
                }
                chosen
            }
            #[inline(never)]
            fn call<O: Operation<$element>>(self, operation: O) -> O::Output {
                operation.run(self)
            }
        }

        impl Vector<$element> for $vector {
            const LANES: usize = $lanes;
            type Mask = [bool; $lanes];

            #[inline(always)]
            unsafe fn store(self, pointer: *mut $element) {
                // SAFETY: the caller promises `LANES` writable elements.
                unsafe { pointer.cast::<[$element; $lanes]>().write_unaligned(self.0) }
            }
            #[inline(always)]
            unsafe fn store_partial(self, pointer: *mut $element, count: usize) {
                for lane in 0..count.min($lanes) {
                    // SAFETY: the caller promises `count` writable elements.
                    unsafe { pointer.add(lane).write(self.0[lane]) };
                }
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.zip(other, |a, b| a + b)
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self.zip(other, |a, b| a - b)
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self.zip(other, |a, b| a * b)
            }
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                self.zip(other, |a, b| a / b)
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, addend: Self) -> Self {
                self.mul(factor).add(addend)
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                self.zip(other, |a, b| if a < b { a } else { b })
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                self.zip(other, |a, b| if a > b { a } else { b })
            }
            #[inline(always)]
            fn max_or_nan(self, other: Self) -> Self {
                self.zip(other, |a, b| if a > b || a.is_nan() { a } else { b })
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                self.map($element::sqrt)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                self.map($element::abs)
            }
            #[inline(always)]
            fn negate(self) -> Self {
                self.map(|lane| -lane)
            }
            #[inline(always)]
            fn copy_sign(self, sign: Self) -> Self {
                self.zip(sign, $element::copysign)
            }
            #[inline(always)]
            fn less(self, other: Self) -> [bool; $lanes] {
                self.compare(other, $element::lt)
            }
            #[inline(always)]
            fn equal(self, other: Self) -> [bool; $lanes] {
                self.compare(other, $element::eq)
            }
            #[inline(always)]
            fn round(self) -> Self {
                let shift = Self([1.5 * Self::ONES; $lanes]);
                self.add(shift).sub(shift)
            }
            #[inline(always)]
            fn scale_by_power_of_two(self, exponent: Self) -> Self {
                let half = exponent.mul(Self([0.5; $lanes])).round();
                self.mul(half.power_of_two()).mul(exponent.sub(half).power_of_two())
            }
            #[inline(always)]
            fn exponent(self) -> Self {
                let ones = Self::ONES.to_bits();
                let shifted = self.map(|lane| $element::from_bits(lane.to_bits() >> Self::FRACTION_BITS | ones));
                shifted.sub(Self([Self::ONES + Self::EXPONENT_BIAS; $lanes]))
            }
            #[inline(always)]
            fn mantissa(self) -> Self {
                let (fraction, one) = ((1 << Self::FRACTION_BITS) - 1, $element::to_bits(1.0));
                self.map(|lane| $element::from_bits(lane.to_bits() & fraction | one))
            }
            #[inline(always)]
            fn sum_lanes(self) -> $element {
                sum_halves(self.0)
            }
            #[inline(always)]
            fn max_lanes(self) -> $element {
                self.0.into_iter().fold($element::NEG_INFINITY, $element::max)
            }
        }
    };
}

vector!(PortableF32, f32, u32, 4);
vector!(PortableF64, f64, u64, 2);
