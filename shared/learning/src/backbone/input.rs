//! What a network's input says about itself.

use crate::Error;
use crate::onnx::proto::{DataType, Dimension, GraphProto, ValueInfoProto, dimension, type_proto};

/// The size that nearly every ImageNet network was trained at, for one that does not say.
const USUAL_SIZE: (u32, u32) = (224, 224);
const MIN_SIDE: u32 = 16;
const MAX_SIDE: u32 = 4096;

/// Where the colours stand among the four dimensions of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// [n, 3, h, w].
    ChannelsFirst,
    /// [n, h, w, 3].
    ChannelsLast,
}

/// The one input of a network, found to be a batch of images. `None` is a dimension left open.
#[derive(Debug)]
pub(super) struct ImageInput {
    pub name: String,
    pub layout: Layout,
    pub batch: Option<i64>,
    height: Option<i64>,
    width: Option<i64>,
}

impl ImageInput {
    /// Finds the input of `graph`. Constants that are listed as inputs, as they had to be before IR version 4, are none.
    pub fn read(graph: &GraphProto) -> Result<Self, Error> {
        let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
        let inputs: Vec<&ValueInfoProto> = graph.input.iter().filter(|input| !is_constant(&input.name)).collect();
        let [input] = inputs[..] else {
            return Err(Error::InputCount { found: inputs.iter().map(|input| input.name.clone()).collect() });
        };
        let kind = input.r#type.as_ref().and_then(|kind| kind.value.as_ref());
        let Some(type_proto::Value::TensorType(tensor)) = kind else {
            return Err(not_an_image(input, &[]));
        };
        let dims = tensor.shape.as_ref().map_or(&[][..], |shape| &shape.dim);
        let [batch, x, y, z] = dims else { return Err(not_an_image(input, dims)) };
        let (layout, height, width) = match (size_of(x), size_of(z)) {
            (Some(3), _) => (Layout::ChannelsFirst, y, z),
            (_, Some(3)) => (Layout::ChannelsLast, x, y),
            _ => return Err(not_an_image(input, dims)),
        };
        if tensor.elem_type() != DataType::Float {
            let found = format!("{:?}", tensor.elem_type()).to_lowercase();
            return Err(Error::InputType { input: input.name.clone(), found });
        }
        Ok(Self {
            name: input.name.clone(),
            layout,
            batch: size_of(batch),
            height: size_of(height),
            width: size_of(width),
        })
    }

    /// The width and height to use: the ones wanted, else the network's own, else the usual ones.
    pub fn size(&self, wanted: Option<(u32, u32)>) -> Result<(u32, u32), Error> {
        let (usual_width, usual_height) = USUAL_SIZE;
        let width = wanted.map(|(width, _)| width.into()).or(self.width).unwrap_or(usual_width.into());
        let height = wanted.map(|(_, height)| height.into()).or(self.height).unwrap_or(usual_height.into());
        let side = |pixels: i64| u32::try_from(pixels).ok().filter(|side| (MIN_SIDE..=MAX_SIDE).contains(side));
        side(width).zip(side(height)).ok_or(Error::Size { width, height, min: MIN_SIDE, max: MAX_SIDE })
    }

    /// Whether `width` × `height` is another size than the network declares.
    pub fn is_resized(&self, width: u32, height: u32) -> bool {
        self.width.is_some_and(|own| own != i64::from(width)) || self.height.is_some_and(|own| own != i64::from(height))
    }

    /// The width and height that the network declares, when it declares both.
    pub fn fixed_size(&self) -> Option<(u32, u32)> {
        Some((u32::try_from(self.width?).ok()?, u32::try_from(self.height?).ok()?))
    }
}

/// A size above 0; some exporters write −1 or 0 for a dimension that is open.
fn size_of(dimension: &Dimension) -> Option<i64> {
    match dimension.value {
        Some(dimension::Value::DimValue(size)) if size > 0 => Some(size),
        _ => None,
    }
}

fn not_an_image(input: &ValueInfoProto, dims: &[Dimension]) -> Error {
    let shown = dims.iter().map(|dimension| match &dimension.value {
        Some(dimension::Value::DimValue(size)) => size.to_string(),
        Some(dimension::Value::DimParam(name)) => name.clone(),
        None => "?".to_owned(),
    });
    Error::NotAnImage { input: input.name.clone(), shape: shown.collect::<Vec<_>>().join(", ") }
}
