//! A table whose first line is the embedded stores', and whose figures are compared with those.

/// A measured figure, as it is shown.
#[derive(Clone)]
pub(super) struct Figure {
    value: f64,
    decimals: usize,
    unit: &'static str,
}

impl Figure {
    /// So many a second.
    pub(super) fn rate(value: f64) -> Self {
        Self { value, decimals: 0, unit: "" }
    }

    pub(super) fn milliseconds(value: f64) -> Self {
        Self { value, decimals: 2, unit: " ms" }
    }

    fn shown(&self, embedded: Option<&Self>) -> String {
        let Self { value, decimals, unit } = self;
        let beside = embedded.map(|embedded| format!(" (×{})", significant(value / embedded.value)));
        format!("{value:.decimals$}{unit}{}", beside.unwrap_or_default())
    }
}

/// Two digits that count.
fn significant(ratio: f64) -> String {
    let decimals = if ratio >= 10.0 { 0 } else { (1.0 - ratio.log10().floor()).clamp(1.0, 6.0) as usize };
    format!("{ratio:.decimals$}")
}

/// A Markdown table, printed line by line.
pub(super) struct Table {
    embedded: Option<Vec<Figure>>,
}

impl Table {
    pub(super) fn new(columns: &[&str]) -> Self {
        println!("| {} |\n|{}", columns.join(" | "), "---|".repeat(columns.len()));
        Self { embedded: None }
    }

    /// A line; behind each figure stands how many times that of the first line it is.
    pub(super) fn print(&mut self, names: &[String], figures: Vec<Figure>) {
        let embedded = |column: usize| self.embedded.as_ref().and_then(|line| line.get(column));
        let figures_shown = figures.iter().enumerate().map(|(column, figure)| figure.shown(embedded(column)));
        let cells: Vec<String> = names.iter().cloned().chain(figures_shown).collect();
        println!("| {} |", cells.join(" | "));
        self.embedded.get_or_insert(figures);
    }
}
