//! One network in one session: pixels in, numbers out.

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{TensorElementType, TensorRef, ValueType};

use crate::error::Error;
use crate::runtime::Runtime;

/// The input of every network of ours: uint8 `[n, height, width, 3]`, RGB.
const INPUT: &str = "image";
/// The output of a classifier: float32 `[n, classes]`.
pub const PROBABILITIES: &str = "probabilities";
/// The output of a feature network, and a second one of a classifier: float32 `[n, features]`.
pub const FEATURES: &str = "features";

/// A network, loaded. A session belongs to one thread at a time and computes on that thread alone, so as many requests
/// run at once as there are sessions.
#[derive(Debug)]
pub struct Network {
    session: Session,
    width: u32,
    height: u32,
}

impl Network {
    /// Loads a network from the bytes of an ONNX file.
    ///
    /// # Errors
    /// [`Error::Runtime`] where ONNX Runtime refuses the file, [`Error::WrongNetwork`] where its input is not ours.
    pub fn load(runtime: &Runtime, onnx: &[u8]) -> Result<Self, Error> {
        let session = Session::builder(&runtime.environment)
            .and_then(|builder| Ok(builder.with_intra_threads(1)?))
            .and_then(|builder| Ok(builder.with_inter_threads(1)?))
            .and_then(|builder| Ok(builder.with_optimization_level(GraphOptimizationLevel::All)?))
            .and_then(|mut builder| builder.commit_from_memory(onnx))
            .map_err(|source| Error::Runtime { doing: "load the network", source })?;
        let (width, height) = input_size(&session)?;
        Ok(Self { session, width, height })
    }

    /// Width of the input in pixels.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height of the input in pixels.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Whether the network has an output of this name.
    pub fn has_output(&self, name: &str) -> bool {
        self.session.outputs().iter().any(|output| output.name() == name)
    }

    /// Runs the network on `count` images of its input size, one behind the other in `pixels`
    /// (`count × height × width × 3` bytes), and returns one output, row by row.
    ///
    /// # Errors
    /// [`Error::WrongNetwork`] where `pixels` does not fit or the output is not there, [`Error::Runtime`].
    pub fn run(&mut self, pixels: &[u8], count: usize, output: &str) -> Result<Vec<f32>, Error> {
        let [width, height] = [self.width, self.height].map(|side| side as usize);
        if pixels.len() != count * height * width * 3 || count == 0 {
            let wanted = format!("{count} images of {width}×{height} pixels are wanted, {} bytes came", pixels.len());
            return Err(Error::WrongNetwork(wanted));
        }
        let failed = |source| Error::Runtime { doing: "run the network", source };
        let tensor = TensorRef::from_array_view(([count, height, width, 3], pixels)).map_err(failed)?;
        let outputs = self.session.run(ort::inputs![INPUT => tensor]).map_err(failed)?;
        let values = outputs.get(output).ok_or_else(|| Error::WrongNetwork(format!("it has no output `{output}`")))?;
        let (_, numbers) = values.try_extract_tensor::<f32>().map_err(failed)?;
        Ok(numbers.to_vec())
    }
}

fn input_size(session: &Session) -> Result<(u32, u32), Error> {
    let wrong =
        |what: &str| Error::WrongNetwork(format!("{what}; uint8 [n, height, width, 3] named `image` is wanted"));
    let [input] = session.inputs() else {
        return Err(wrong(&format!("it has {} inputs", session.inputs().len())));
    };
    let ValueType::Tensor { ty: TensorElementType::Uint8, shape, .. } = input.dtype() else {
        return Err(wrong("its input is not of bytes"));
    };
    let side = |value: i64| u32::try_from(value).ok().filter(|side| (1..=8192).contains(side));
    match shape.iter().copied().collect::<Vec<i64>>()[..] {
        [_, height, width, 3] if input.name() == INPUT => side(width).zip(side(height)),
        _ => None,
    }
    .ok_or_else(|| wrong("its input is not an image of one size"))
}
