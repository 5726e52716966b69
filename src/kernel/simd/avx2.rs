//! 256-bit vectors: 8 lanes of `f32`, 4 of `f64`, 16 registers.

use std::arch::x86_64::*;

use super::{Operation, Simd, Vector};

/// AVX2 and FMA.
#[derive(Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// The token, if this CPU has the instructions.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// The instructions for `f32`.
mod single {
    use std::arch::x86_64::{__m256i, _mm256_cmpgt_epi32, _mm256_set1_epi32, _mm256_setr_epi32};
    pub use std::arch::x86_64::{
        _mm256_add_ps as add, _mm256_and_ps as and, _mm256_andnot_ps as and_not, _mm256_blendv_ps as blend,
        _mm256_castps_si256 as to_bits, _mm256_castsi256_ps as from_bits, _mm256_cmp_ps as compare,
        _mm256_div_ps as div, _mm256_fmadd_ps as mul_add, _mm256_loadu_ps as load, _mm256_maskload_ps as load_masked,
        _mm256_maskstore_ps as store_masked, _mm256_max_ps as max, _mm256_min_ps as min, _mm256_mul_ps as mul,
        _mm256_or_ps as or, _mm256_round_ps as round, _mm256_set1_ps as splat, _mm256_slli_epi32 as shift_left,
        _mm256_sqrt_ps as sqrt, _mm256_srli_epi32 as shift_right, _mm256_storeu_ps as store, _mm256_sub_ps as sub,
        _mm256_xor_ps as xor,
    };

    /// All bits set in the first `count` lanes.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn first(count: usize) -> __m256i {
        debug_assert!(count <= 8);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
    }
}

/// The instructions for `f64`.
mod double {
    use std::arch::x86_64::{__m256i, _mm256_cmpgt_epi64, _mm256_set1_epi64x, _mm256_setr_epi64x};
    pub use std::arch::x86_64::{
        _mm256_add_pd as add, _mm256_and_pd as and, _mm256_andnot_pd as and_not, _mm256_blendv_pd as blend,
        _mm256_castpd_si256 as to_bits, _mm256_castsi256_pd as from_bits, _mm256_cmp_pd as compare,
        _mm256_div_pd as div, _mm256_fmadd_pd as mul_add, _mm256_loadu_pd as load, _mm256_maskload_pd as load_masked,
        _mm256_maskstore_pd as store_masked, _mm256_max_pd as max, _mm256_min_pd as min, _mm256_mul_pd as mul,
        _mm256_or_pd as or, _mm256_round_pd as round, _mm256_set1_pd as splat, _mm256_slli_epi64 as shift_left,
        _mm256_sqrt_pd as sqrt, _mm256_srli_epi64 as shift_right, _mm256_storeu_pd as store, _mm256_sub_pd as sub,
        _mm256_xor_pd as xor,
    };

    /// All bits set in the first `count` lanes.
    #[target_feature(enable = "avx2")]
    #[inline]
    pub fn first(count: usize) -> __m256i {
        debug_assert!(count <= 4);
        _mm256_cmpgt_epi64(_mm256_set1_epi64x(count as i64), _mm256_setr_epi64x(0, 1, 2, 3))
    }
}

macro_rules! vector {
    ($vector:ident, $element:ident, $register:ty, $lanes:literal, $instructions:ident) => {
        #[derive(Clone, Copy)]
        pub struct $vector($register);

        impl $vector {
            const FRACTION_BITS: i32 = $element::MANTISSA_DIGITS as i32 - 1;
            const EXPONENT_BIAS: $element = $element::MAX_EXP as $element - 1.0;
            /// 2^23 or 2^52: the last bit of the fraction counts ones.
            const ONES: $element = 2.0 / $element::EPSILON / 2.0;

            /// `value` in every lane.
            #[inline(always)]
            fn like(self, value: $element) -> Self {
                Self(instruction!($instructions::splat(value)))
            }

            /// `2^self` for integers that are exponents of normal numbers: `1.5 ONES + bias + self`
            /// has the biased exponent in its last bits, and a shift moves it to its place.
            #[inline(always)]
            fn power_of_two(self) -> Self {
                let biased =
                    instruction!($instructions::to_bits(self.add(self.like(1.5 * Self::ONES + Self::EXPONENT_BIAS)).0));
                let shifted = instruction!($instructions::shift_left::<{ Self::FRACTION_BITS }>(biased));
                Self(instruction!($instructions::from_bits(shifted)))
            }

            #[inline(always)]
            fn to_array(self) -> [$element; $lanes] {
                let mut lanes = [0.0; $lanes];
                self.write(&mut lanes);
                lanes
            }
        }

        impl Simd<$element> for Avx2 {
            const REGISTERS: usize = 16;
            token_methods!($vector, $element, $instructions, "avx2,fma");

            #[inline(always)]
            unsafe fn load_partial(self, pointer: *const $element, count: usize) -> $vector {
                // SAFETY: of the instructions, `self`; of the pointer, the caller's promise: no
                // lane past `count` is read.
                $vector(unsafe { $instructions::load_masked(pointer, $instructions::first(count)) })
            }
            #[inline(always)]
            fn select(self, mask: $register, yes: $vector, no: $vector) -> $vector {
                $vector(instruction!($instructions::blend(no.0, yes.0, mask)))
            }
        }

        impl Vector<$element> for $vector {
            vector_methods!($element, $lanes, $register, $instructions);

            #[inline(always)]
            fn max_or_nan(self, other: Self) -> Self {
                let is_number = instruction!($instructions::compare::<_CMP_ORD_Q>(self.0, self.0));
                Self(instruction!($instructions::blend(self.0, self.max(other).0, is_number)))
            }
            #[inline(always)]
            fn scale_by_power_of_two(self, exponent: Self) -> Self {
                let half = exponent.mul(self.like(0.5)).round();
                self.mul(half.power_of_two()).mul(exponent.sub(half).power_of_two())
            }
            #[inline(always)]
            fn exponent(self) -> Self {
                let bits = instruction!($instructions::to_bits(self.0));
                let biased = instruction!($instructions::shift_right::<{ Self::FRACTION_BITS }>(bits));
                let ones = self.like(Self::ONES);
                let shifted = Self(instruction!($instructions::or($instructions::from_bits(biased), ones.0)));
                shifted.sub(self.like(Self::ONES + Self::EXPONENT_BIAS))
            }
            #[inline(always)]
            fn mantissa(self) -> Self {
                let fraction = instruction!($instructions::and_not(self.like($element::INFINITY).0, self.0));
                Self(instruction!($instructions::or(fraction, self.like(1.0).0)))
            }
            #[inline(always)]
            fn sum_lanes(self) -> $element {
                super::portable::sum_halves(self.to_array())
            }
            #[inline(always)]
            fn max_lanes(self) -> $element {
                self.to_array().into_iter().fold($element::NEG_INFINITY, $element::max)
            }
        }
    };
}

vector!(Avx2F32, f32, __m256, 8, single);
vector!(Avx2F64, f64, __m256d, 4, double);
