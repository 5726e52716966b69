//! 512-bit vectors: 16 lanes of `f32`, 8 of `f64`, 32 registers.

use std::arch::x86_64::*;

use super::{Operation, Simd};

/// Calls instructions of AVX-512 F, BW, DQ and VL.
macro_rules! instruction {
    ($call:expr) => {
        // SAFETY: the vector types of this file are handed out by `dispatch` alone, after it has
        // seen that the CPU has the instructions.
        unsafe { $call }
    };
}

macro_rules! vector {
    ($vector:ident, $element:ty, $register:ty, $mask:ty, $lanes:literal, $splat:ident, $load:ident, $load_masked:ident,
     $store:ident, $store_masked:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $mul_add:ident, $min:ident,
     $max:ident, $max_masked:ident, $sqrt:ident, $abs:ident, $xor:ident, $and:ident, $and_not:ident, $or:ident, $compare:ident,
     $blend:ident, $round:ident, $scale:ident, $exponent:ident, $mantissa:ident, $sum:ident, $largest:ident) => {
        #[derive(Clone, Copy)]
        pub struct $vector($register);

        impl $vector {
            /// A mask of the first `count` lanes.
            #[inline(always)]
            fn first(count: usize) -> $mask {
                debug_assert!(count <= $lanes);
                ((1u32 << count) - 1) as $mask
            }
        }

        impl Simd<$element> for $vector {
            const LANES: usize = $lanes;
            const REGISTERS: usize = 32;
            const TERMS_PER_TURN: usize = 4;
            type Mask = $mask;

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
                Self(instruction!($load_masked(Self::first(count), pointer)))
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
                Self(instruction!($max_masked(self.0, is_number, self.0, other.0)))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                Self(instruction!($sqrt(self.0)))
            }
            #[inline(always)]
            fn abs(self) -> Self {
                Self(instruction!($abs(self.0)))
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
            fn less(self, other: Self) -> $mask {
                instruction!($compare::<_CMP_LT_OQ>(self.0, other.0))
            }
            #[inline(always)]
            fn equal(self, other: Self) -> $mask {
                instruction!($compare::<_CMP_EQ_OQ>(self.0, other.0))
            }
            #[inline(always)]
            fn select(mask: $mask, yes: Self, no: Self) -> Self {
                Self(instruction!($blend(mask, no.0, yes.0)))
            }
            #[inline(always)]
            fn round(self) -> Self {
                Self(instruction!($round::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn scale_by_power_of_two(self, exponent: Self) -> Self {
                Self(instruction!($scale(self.0, exponent.0)))
            }
            #[inline(always)]
            fn exponent(self) -> Self {
                Self(instruction!($exponent(self.0)))
            }
            #[inline(always)]
            fn mantissa(self) -> Self {
                Self(instruction!($mantissa::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(self.0)))
            }
            #[inline(always)]
            fn call<O: Operation<$element>>(operation: O) -> O::Output {
                instruction!(super::with_avx512(operation))
            }
            #[inline(always)]
            fn sum_lanes(self) -> $element {
                instruction!($sum(self.0))
            }
            #[inline(always)]
            fn max_lanes(self) -> $element {
                instruction!($largest(self.0))
            }
        }
    };
}

vector!(
    Avx512F32,
    f32,
    __m512,
    __mmask16,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_maskz_loadu_ps,
    _mm512_storeu_ps,
    _mm512_mask_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_fmadd_ps,
    _mm512_min_ps,
    _mm512_max_ps,
    _mm512_mask_max_ps,
    _mm512_sqrt_ps,
    _mm512_abs_ps,
    _mm512_xor_ps,
    _mm512_and_ps,
    _mm512_andnot_ps,
    _mm512_or_ps,
    _mm512_cmp_ps_mask,
    _mm512_mask_blend_ps,
    _mm512_roundscale_ps,
    _mm512_scalef_ps,
    _mm512_getexp_ps,
    _mm512_getmant_ps,
    _mm512_reduce_add_ps,
    _mm512_reduce_max_ps
);

vector!(
    Avx512F64,
    f64,
    __m512d,
    __mmask8,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_maskz_loadu_pd,
    _mm512_storeu_pd,
    _mm512_mask_storeu_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_div_pd,
    _mm512_fmadd_pd,
    _mm512_min_pd,
    _mm512_max_pd,
    _mm512_mask_max_pd,
    _mm512_sqrt_pd,
    _mm512_abs_pd,
    _mm512_xor_pd,
    _mm512_and_pd,
    _mm512_andnot_pd,
    _mm512_or_pd,
    _mm512_cmp_pd_mask,
    _mm512_mask_blend_pd,
    _mm512_roundscale_pd,
    _mm512_scalef_pd,
    _mm512_getexp_pd,
    _mm512_getmant_pd,
    _mm512_reduce_add_pd,
    _mm512_reduce_max_pd
);
