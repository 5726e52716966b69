//! 256-bit vectors: 8 lanes of `f32`, 4 of `f64`, 16 registers.

use std::arch::x86_64::*;

use super::{Operation, Simd};

/// Calls instructions of AVX2 and FMA.
macro_rules! instruction {
    ($call:expr) => {
        // SAFETY: the vector types of this file are handed out by `dispatch` alone, after it has
        // seen that the CPU has the instructions.
        unsafe { $call }
    };
}

macro_rules! vector {
    ($vector:ident, $element:ident, $register:ty, $lanes:literal, $bits:ident, $splat:ident, $load:ident,
     $load_masked:ident, $store:ident, $store_masked:ident, $add:ident, $sub:ident, $mul:ident, $div:ident,
     $mul_add:ident, $min:ident, $max:ident, $sqrt:ident, $xor:ident, $and:ident, $and_not:ident, $or:ident,
     $compare:ident, $blend:ident, $round:ident, $to_bits:ident, $from_bits:ident, $splat_bits:ident,
     $shift_left:ident, $shift_right:ident, $greater_bits:ident, $lane_numbers:expr) => {
        #[derive(Clone, Copy)]
        pub struct $vector($register);

        impl $vector {
            const FRACTION_BITS: i32 = $element::MANTISSA_DIGITS as i32 - 1;
            const EXPONENT_BIAS: $element = $element::MAX_EXP as $element - 1.0;
            /// 2^23 or 2^52: the last bit of the fraction counts ones.
            const ONES: $element = 2.0 / $element::EPSILON / 2.0;

            /// All bits set in the first `count` lanes.
            #[inline(always)]
            fn first(count: usize) -> __m256i {
                debug_assert!(count <= $lanes);
                instruction!($greater_bits($splat_bits(count as $bits), $lane_numbers))
            }

            /// `2^self` for integers that are exponents of normal numbers: `1.5 ONES + bias + self`
            /// has the biased exponent in its last bits, and a shift moves it to its place.
            #[inline(always)]
            fn power_of_two(self) -> Self {
                let biased = self.add(Self::splat(1.5 * Self::ONES + Self::EXPONENT_BIAS));
                Self(instruction!($from_bits($shift_left::<{ Self::FRACTION_BITS }>($to_bits(biased.0)))))
            }
        }

        impl Simd<$element> for $vector {
            const LANES: usize = $lanes;
            const REGISTERS: usize = 16;
            const TERMS_PER_TURN: usize = 4;
            type Mask = $register;

            #[inline(always)]
            fn splat(value: $element) -> Self {
                Self(instruction!($splat(value)))
            }
            #[inline(always)]
            unsafe fn load(pointer: *const $element) -> Self {
                Self(instruction!($load(pointer)))
            }
            #[inline(always)]
            unsafe fn load_partial(pointer: *const $element, count: usize) -> Self {
                Self(instruction!($load_masked(pointer, Self::first(count))))
            }
            #[inline(always)]
            unsafe fn store(self, pointer: *mut $element) {
                instruction!($store(pointer, self.0))
            }
            #[inline(always)]
            unsafe fn store_partial(self, pointer: *mut $element, count: usize) {
                instruction!($store_masked(pointer, Self::first(count), self.0))
            }
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                Self(instruction!($add(self.0, other.0)))
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                Self(instruction!($sub(self.0, other.0)))
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                Self(instruction!($mul(self.0, other.0)))
            }
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                Self(instruction!($div(self.0, other.0)))
            }
            #[inline(always)]
            fn mul_add(self, factor: Self, addend: Self) -> Self {
                Self(instruction!($mul_add(self.0, factor.0, addend.0)))
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                Self(instruction!($min(self.0, other.0)))
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                Self(instruction!($max(self.0, other.0)))
            }
            #[inline(always)]
            fn max_or_nan(self, other: Self) -> Self {
                let is_number = instruction!($compare::<_CMP_ORD_Q>(self.0, self.0));
                Self::select(is_number, self.max(other), self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                Self(instruction!($sqrt(self.0)))
            }
            #[inline(always)]
            fn abs(self) -> Self {
                Self(instruction!($and_not($splat(-0.0), self.0)))
            }
            #[inline(always)]
            fn negate(self) -> Self {
                Self(instruction!($xor(self.0, $splat(-0.0))))
            }
            #[inline(always)]
            fn copy_sign(self, sign: Self) -> Self {
                let bit = Self::splat(-0.0).0;
                Self(instruction!($or($and(bit, sign.0), $and_not(bit, self.0))))
            }
            #[inline(always)]
            fn less(self, other: Self) -> $register {
                instruction!($compare::<_CMP_LT_OQ>(self.0, other.0))
            }
            #[inline(always)]
            fn equal(self, other: Self) -> $register {
                instruction!($compare::<_CMP_EQ_OQ>(self.0, other.0))
            }
            #[inline(always)]
            fn select(mask: $register, yes: Self, no: Self) -> Self {
                Self(instruction!($blend(no.0, yes.0, mask)))
            }
            #[inline(always)]
            fn round(self) -> Self {
                Self(instruction!($round::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn scale_by_power_of_two(self, exponent: Self) -> Self {
                let half = exponent.mul(Self::splat(0.5)).round();
                self.mul(half.power_of_two()).mul(exponent.sub(half).power_of_two())
            }
            #[inline(always)]
            fn exponent(self) -> Self {
                let biased = instruction!($shift_right::<{ Self::FRACTION_BITS }>($to_bits(self.0)));
                let ones = Self::splat(Self::ONES);
                let shifted = Self(instruction!($or($from_bits(biased), ones.0)));
                shifted.sub(Self::splat(Self::ONES + Self::EXPONENT_BIAS))
            }
            #[inline(always)]
            fn mantissa(self) -> Self {
                let infinity = Self::splat($element::INFINITY).0;
                Self(instruction!($or($and_not(infinity, self.0), $splat(1.0))))
            }
            #[inline(always)]
            fn call<O: Operation<$element>>(operation: O) -> O::Output {
                instruction!(super::with_avx2(operation))
            }
            #[inline(always)]
            fn sum_lanes(self) -> $element {
                let mut lanes = [0.0; $lanes];
                self.write(&mut lanes);
                super::portable::sum_halves(lanes)
            }
            #[inline(always)]
            fn max_lanes(self) -> $element {
                let mut lanes = [0.0; $lanes];
                self.write(&mut lanes);
                lanes.into_iter().fold($element::NEG_INFINITY, $element::max)
            }
        }
    };
}

vector!(
    Avx2F32,
    f32,
    __m256,
    8,
    i32,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_maskload_ps,
    _mm256_storeu_ps,
    _mm256_maskstore_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_fmadd_ps,
    _mm256_min_ps,
    _mm256_max_ps,
    _mm256_sqrt_ps,
    _mm256_xor_ps,
    _mm256_and_ps,
    _mm256_andnot_ps,
    _mm256_or_ps,
    _mm256_cmp_ps,
    _mm256_blendv_ps,
    _mm256_round_ps,
    _mm256_castps_si256,
    _mm256_castsi256_ps,
    _mm256_set1_epi32,
    _mm256_slli_epi32,
    _mm256_srli_epi32,
    _mm256_cmpgt_epi32,
    _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)
);

vector!(
    Avx2F64,
    f64,
    __m256d,
    4,
    i64,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_maskload_pd,
    _mm256_storeu_pd,
    _mm256_maskstore_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_div_pd,
    _mm256_fmadd_pd,
    _mm256_min_pd,
    _mm256_max_pd,
    _mm256_sqrt_pd,
    _mm256_xor_pd,
    _mm256_and_pd,
    _mm256_andnot_pd,
    _mm256_or_pd,
    _mm256_cmp_pd,
    _mm256_blendv_pd,
    _mm256_round_pd,
    _mm256_castpd_si256,
    _mm256_castsi256_pd,
    _mm256_set1_epi64x,
    _mm256_slli_epi64,
    _mm256_srli_epi64,
    _mm256_cmpgt_epi64,
    _mm256_setr_epi64x(0, 1, 2, 3)
);
