//! What a network's file does not say about itself: how its pixels are to be normalised.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::Error;

/// The order of the colours in a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red first: nearly every network.
    #[default]
    Rgb,
    /// Blue first: networks that came from Caffe or OpenCV.
    Bgr,
}

/// How pixels (0 to 255) become the numbers a network was trained on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Normalisation {
    /// RGB, scaled to 0…1, less the mean and divided by the deviation of ImageNet's pixels: torchvision, timm.
    Imagenet,
    /// RGB, scaled to −1…1: TensorFlow's MobileNets and Inceptions.
    MinusOneToOne,
    /// BGR less the mean of ImageNet's pixels, not scaled: Caffe, Keras' ResNet and VGG.
    Caffe,
    /// `(pixel − mean) / std`, pixels being 0 to 255 and the three numbers in the network's own `order`.
    Explicit {
        /// Subtracted from each channel.
        mean: [f32; 3],
        /// Then divides each channel; none is 0.
        std: [f32; 3],
        /// The order of the channels.
        order: ChannelOrder,
    },
}

impl Normalisation {
    /// Mean, deviation (both on the scale 0 to 255, in the order of the channels) and that order.
    fn constants(self) -> ([f32; 3], [f32; 3], ChannelOrder) {
        match self {
            Self::Imagenet => {
                let scale = |values: [f32; 3]| values.map(|value| value * 255.0);
                (scale([0.485, 0.456, 0.406]), scale([0.229, 0.224, 0.225]), ChannelOrder::Rgb)
            }
            Self::MinusOneToOne => ([127.5; 3], [127.5; 3], ChannelOrder::Rgb),
            Self::Caffe => ([103.939, 116.779, 123.68], [1.0; 3], ChannelOrder::Bgr),
            Self::Explicit { mean, std, order } => (mean, std, order),
        }
    }
}

impl fmt::Display for Normalisation {
    /// The name that [`FromStr`] reads, or the numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Imagenet => f.write_str("imagenet"),
            Self::MinusOneToOne => f.write_str("minus-one-to-one"),
            Self::Caffe => f.write_str("caffe"),
            Self::Explicit { mean, std, order } => {
                write!(f, "{} mean {mean:?} std {std:?}", if *order == ChannelOrder::Rgb { "rgb" } else { "bgr" })
            }
        }
    }
}

impl FromStr for Normalisation {
    type Err = Error;

    /// `imagenet`, `minus-one-to-one` or `caffe`.
    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "imagenet" => Ok(Self::Imagenet),
            "minus-one-to-one" => Ok(Self::MinusOneToOne),
            "caffe" => Ok(Self::Caffe),
            _ => Err(Error::UnknownNormalisation(name.chars().take(80).collect())),
        }
    }
}

/// Which tensor of a classifier serves as features. A network that is no classifier has features only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cut {
    /// What the last weighted layer reads, pooled over the image.
    #[default]
    Features,
    /// What that layer says of the classes the network was trained on, before softmax, pooled over the image.
    Scores,
    /// Both, features first.
    Both,
}

/// How a map of features [n, d, h, w] becomes vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pooling {
    /// The mean of each feature over the image: how much of it there is. d numbers.
    #[default]
    Mean,
    /// The mean, then the largest value: also how strong it is where it is strongest. Twice d numbers.
    MeanMax,
}

/// How to use a network as a backbone.
#[derive(Debug, Clone, PartialEq)]
pub struct BackboneOptions {
    /// How pixels are normalised.
    pub normalisation: Normalisation,
    /// The order of the channels, where it is not the one the normalisation is known for.
    pub channels: Option<ChannelOrder>,
    /// Width and height of the input in pixels, where they are not the network's own.
    pub size: Option<(u32, u32)>,
    /// Width and height in pixels at which the network looks at the image a second time, resized within the graph. The
    /// second features stand behind the first.
    pub second_size: Option<(u32, u32)>,
    /// Where a classifier is cut.
    pub cut: Cut,
    /// How maps of features become vectors.
    pub pooling: Pooling,
}

impl BackboneOptions {
    /// The network's own size, and the mean of its features.
    pub fn new(normalisation: Normalisation) -> Self {
        Self {
            normalisation,
            channels: None,
            size: None,
            second_size: None,
            cut: Cut::default(),
            pooling: Pooling::default(),
        }
    }

    /// Mean, deviation (both on the scale 0 to 255, in the order of the channels) and order of the channels.
    ///
    /// # Errors
    /// [`Error::Contradiction`] when a mean is not finite or a deviation not above 0.
    pub fn constants(&self) -> Result<([f32; 3], [f32; 3], ChannelOrder), Error> {
        let (mut mean, mut std, mut order) = self.normalisation.constants();
        if !mean.iter().all(|value| value.is_finite()) || !std.iter().all(|value| value.is_normal() && *value > 0.0) {
            return Err(Error::Contradiction("mean must be finite and std above 0"));
        }
        if let Some(wanted) = self.channels.filter(|&wanted| wanted != order) {
            mean.reverse();
            std.reverse();
            order = wanted;
        }
        Ok((mean, std, order))
    }

    /// Reads the description that stands beside a backbone as `FILE.toml`:
    ///
    /// ```
    /// # use pappus_learning::backbone::{BackboneOptions, Normalisation};
    /// let named = BackboneOptions::from_toml("normalisation = 'caffe'\nwidth = 224\nheight = 224")?;
    /// assert_eq!((named.normalisation, named.size), (Normalisation::Caffe, Some((224, 224))));
    /// let explicit = BackboneOptions::from_toml("mean = [128, 128, 128]\nstd = [128, 128, 128]\norder = 'rgb'")?;
    /// assert!(matches!(explicit.normalisation, Normalisation::Explicit { .. }));
    /// # Ok::<(), pappus_learning::Error>(())
    /// ```
    ///
    /// Either `normalisation` (a name) or `mean` and `std` (three numbers each, on the scale 0 to 255, in the network's
    /// order of channels); `order` (`rgb`, `bgr`), `width` with `height`, and `cut` (`features`, `scores`, `both`) may be
    /// left out.
    ///
    /// # Errors
    /// [`Error::Description`] for text that is not TOML or has other keys, [`Error::UnknownNormalisation`], and
    /// [`Error::Contradiction`].
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let file: DescriptionFile = toml::from_str(text).map_err(Error::Description)?;
        let size = match (file.width, file.height) {
            (None, None) => None,
            (Some(width), Some(height)) => Some((width, height)),
            _ => return Err(Error::Contradiction("width and height belong together")),
        };
        let normalisation = match (file.normalisation, file.mean, file.std) {
            (Some(name), None, None) => name.parse()?,
            (None, Some(mean), Some(std)) => {
                Normalisation::Explicit { mean, std, order: file.order.unwrap_or_default() }
            }
            (None, ..) => return Err(Error::Contradiction("either normalisation, or mean and std, must be there")),
            _ => return Err(Error::Contradiction("normalisation stands in place of mean and std, not beside them")),
        };
        let cut = file.cut.unwrap_or_default();
        let options = Self { channels: file.order, size, cut, ..Self::new(normalisation) };
        options.constants().map(|_| options)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescriptionFile {
    normalisation: Option<String>,
    mean: Option<[f32; 3]>,
    std: Option<[f32; 3]>,
    order: Option<ChannelOrder>,
    width: Option<u32>,
    height: Option<u32>,
    cut: Option<Cut>,
}
