//! Why something cannot be drawn.

/// Why something cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The drawing library refused something.
    #[error("the plot cannot be drawn")]
    Draw(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A picture cannot be encoded.
    #[error("the plot cannot be encoded")]
    Encode(#[from] image::ImageError),
    /// The font in this crate is damaged.
    #[error("the plots' font cannot be read: this build of Pappus is damaged")]
    Font(#[from] ab_glyph::InvalidFont),
}

impl<E: std::error::Error + Send + Sync + 'static> From<plotters::drawing::DrawingAreaErrorKind<E>> for Error {
    fn from(error: plotters::drawing::DrawingAreaErrorKind<E>) -> Self {
        Self::Draw(Box::new(error))
    }
}
