//! A second look at the image, at another size: the same weights, the nodes once more.

use super::cut::End;
use super::input::Layout;
use crate::Error;
use crate::onnx::proto::NodeProto;
use crate::onnx::{GraphBuilder, Model, attribute};

/// The first opset whose `Resize` says where the centre of a pixel is.
const FIRST_OPSET: i64 = 11;
/// From here on inputs of `Resize` that are not used may be left out.
const OPTIONAL_INPUTS: i64 = 13;

/// Refuses a `second` size where the opset has no `Resize` for it.
pub(super) fn check_opset(model: &Model, second: Option<(u32, u32)>) -> Result<(), Error> {
    match model.opset() {
        Some(found) if second.is_some() && found < FIRST_OPSET => Err(Error::NoResize { found, oldest: FIRST_OPSET }),
        _ => Ok(()),
    }
}

/// Resizes `entrance` to `size` (width, height), adds `body` for it, and returns the tensors that then correspond to
/// `ends`.
pub(super) fn add(
    graph: &mut GraphBuilder,
    body: &[NodeProto],
    (entrance, layout): (&str, Layout),
    size: (u32, u32),
    ends: &[End],
) -> Vec<End> {
    let resized = resize(graph, entrance, layout, size);
    let new_names = graph.append_again(body, entrance, &resized);
    let corresponding =
        |end: &End| new_names.get(&end.tensor).map(|tensor| End { tensor: tensor.clone(), ..end.clone() });
    ends.iter().filter_map(corresponding).collect()
}

/// Bilinear, without smoothing, which `Resize` learned in opset 18 only.
fn resize(graph: &mut GraphBuilder, image: &str, layout: Layout, (width, height): (u32, u32)) -> String {
    let (width, height) = (i64::from(width), i64::from(height));
    let image_size = match layout {
        Layout::ChannelsFirst => [3, height, width],
        Layout::ChannelsLast => [height, width, 3],
    };
    let first = graph.integers("first", &[1], &[0]);
    let image_size = graph.integers("second_size", &[3], &image_size);
    let shape = graph.node("Shape", &[image], vec![]);
    let batch = graph.node("Gather", &[&shape, &first], vec![attribute::int("axis", 0)]);
    let size = graph.node("Concat", &[&batch, &image_size], vec![attribute::int("axis", 0)]);
    let unused = match graph.opset() {
        OPTIONAL_INPUTS.. => String::new(),
        _ => graph.floats("unused", &[0], &[]),
    };
    let attributes =
        vec![attribute::string("mode", "linear"), attribute::string("coordinate_transformation_mode", "half_pixel")];
    graph.node("Resize", &[image, &unused, &unused, &size], attributes)
}
