//! [`delegate_layer`]: public layers that are one private layer with different options.

/// Implements [`Layer`](super::Layer) and [`Mirror`](super::Mirror) for a layer that leaves
/// everything to the layer in its field. A macro, since a blanket implementation would show in the
/// docs and in the compiler's messages about layers of the user's own.
macro_rules! delegate_layer {
    ($layer:ident, $field:ident) => {
        impl<T: crate::Scalar> crate::Layer<T> for $layer {
            fn kind(&self) -> &'static str {
                crate::Layer::<T>::kind(&self.$field)
            }

            fn config(&self) -> crate::Config {
                crate::Layer::<T>::config(&self.$field)
            }

            fn plan(&self, input: crate::Shape, joined: &[crate::Shape]) -> Result<crate::Plan, crate::ShapeError> {
                crate::Layer::<T>::plan(&self.$field, input, joined)
            }

            fn forward(&self, context: &crate::Context<'_, T>, pass: crate::Forward<'_, T>) {
                self.$field.forward(context, pass);
            }

            fn backward(&self, context: &crate::Context<'_, T>, pass: crate::Backward<'_, T>) {
                self.$field.backward(context, pass);
            }

            fn mirror(&self) -> Option<&dyn crate::Mirror<T>> {
                Some(self)
            }
        }

        impl<T: crate::Scalar> crate::Mirror<T> for $layer {
            fn mirrored(
                &self,
                input: crate::Shape,
                output: crate::MirrorOutput,
            ) -> Option<Vec<std::sync::Arc<dyn crate::Layer<T>>>> {
                self.$field.mirrored(input, output)
            }
        }
    };
}

pub(super) use delegate_layer;
