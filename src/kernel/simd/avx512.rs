//! 512-bit vectors: 16 lanes of `f32`, 8 of `f64`, 32 registers.

use std::arch::x86_64::*;

use super::avx2::Avx2;
use super::{Operation, Simd, Vector};

/// AVX-512 F, BW, DQ and VL, with AVX2 and FMA.
#[derive(Clone, Copy)]
pub struct Avx512(());

impl Avx512 {
    /// The token, if this CPU has the instructions.
    pub fn detect() -> Option<Self> {
        let has_all = Avx2::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        has_all.then_some(Self(()))
    }
}

/// The instructions for `f32`.
mod single {
    pub use std::arch::x86_64::{
        _mm512_add_ps as add, _mm512_and_ps as and, _mm512_andnot_ps as and_not, _mm512_cmp_ps_mask as compare,
        _mm512_div_ps as div, _mm512_fmadd_ps as mul_add, _mm512_getexp_ps as exponent, _mm512_getmant_ps as mantissa,
        _mm512_loadu_ps as load, _mm512_mask_blend_ps as blend, _mm512_mask_max_ps as max_masked,
        _mm512_mask_storeu_ps as store_masked, _mm512_maskz_loadu_ps as load_masked, _mm512_max_ps as max,
        _mm512_min_ps as min, _mm512_mul_ps as mul, _mm512_or_ps as or, _mm512_reduce_add_ps as sum,
        _mm512_reduce_max_ps as largest, _mm512_roundscale_ps as round, _mm512_scalef_ps as scale,
        _mm512_set1_ps as splat, _mm512_sqrt_ps as sqrt, _mm512_storeu_ps as store, _mm512_sub_ps as sub,
        _mm512_xor_ps as xor,
    };

    /// A mask of the first `count` lanes.
    #[inline(always)]
    pub fn first(count: usize) -> u16 {
        debug_assert!(count <= 16);
        ((1u32 << count) - 1) as u16
    }
}

/// The instructions for `f64`.
mod double {
    pub use std::arch::x86_64::{
        _mm512_add_pd as add, _mm512_and_pd as and, _mm512_andnot_pd as and_not, _mm512_cmp_pd_mask as compare,
        _mm512_div_pd as div, _mm512_fmadd_pd as mul_add, _mm512_getexp_pd as exponent, _mm512_getmant_pd as mantissa,
        _mm512_loadu_pd as load, _mm512_mask_blend_pd as blend, _mm512_mask_max_pd as max_masked,
        _mm512_mask_storeu_pd as store_masked, _mm512_maskz_loadu_pd as load_masked, _mm512_max_pd as max,
        _mm512_min_pd as min, _mm512_mul_pd as mul, _mm512_or_pd as or, _mm512_reduce_add_pd as sum,
        _mm512_reduce_max_pd as largest, _mm512_roundscale_pd as round, _mm512_scalef_pd as scale,
        _mm512_set1_pd as splat, _mm512_sqrt_pd as sqrt, _mm512_storeu_pd as store, _mm512_sub_pd as sub,
        _mm512_xor_pd as xor,
    };

    /// A mask of the first `count` lanes.
    #[inline(always)]
    pub fn first(count: usize) -> u8 {
        debug_assert!(count <= 8);
        ((1u32 << count) - 1) as u8
    }
}

macro_rules! vector {
    ($vector:ident, $element:ident, $register:ty, $mask:ty, $lanes:literal, $instructions:ident) => {
        #[derive(Clone, Copy)]
        pub struct $vector($register);

        impl Simd<$element> for Avx512 {
            const REGISTERS: usize = 32;
            token_methods!($vector, $element, $instructions, "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma");

            #[inline(always)]
            unsafe fn load_partial(self, pointer: *const $element, count: usize) -> $vector {
                // SAFETY: of the instruction, `self`; of the pointer, the caller's promise: no lane
                // past `count` is read.
                $vector(unsafe { $instructions::load_masked($instructions::first(count), pointer) })
            }
            #[inline(always)]
            fn select(self, mask: $mask, yes: $vector, no: $vector) -> $vector {
                $vector(instruction!($instructions::blend(mask, no.0, yes.0)))
            }
        }

        impl Vector<$element> for $vector {
            vector_methods!($element, $lanes, $mask, $instructions);

            #[inline(always)]
            fn max_or_nan(self, other: Self) -> Self {
                let is_number = instruction!($instructions::compare::<_CMP_ORD_Q>(self.0, self.0));
                Self(instruction!($instructions::max_masked(self.0, is_number, self.0, other.0)))
            }
            #[inline(always)]
            fn scale_by_power_of_two(self, exponent: Self) -> Self {
                Self(instruction!($instructions::scale(self.0, exponent.0)))
            }
            #[inline(always)]
            fn exponent(self) -> Self {
                Self(instruction!($instructions::exponent(self.0)))
            }
            #[inline(always)]
            fn mantissa(self) -> Self {
                Self(instruction!($instructions::mantissa::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(self.0)))
            }
            #[inline(always)]
            fn sum_lanes(self) -> $element {
                instruction!($instructions::sum(self.0))
            }
            #[inline(always)]
            fn max_lanes(self) -> $element {
                instruction!($instructions::largest(self.0))
            }
        }
    };
}

vector!(Avx512F32, f32, __m512, __mmask16, 16, single);
vector!(Avx512F64, f64, __m512d, __mmask8, 8, double);
