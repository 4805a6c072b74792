//! The statement as a page: what was measured first, then what it comes to, then every assumption.

mod measured;
mod needed;

use super::Statement;

/// The whole page.
pub(super) fn page(said: &Statement) -> String {
    let mut out = "# What it carries\n\n".to_owned();
    out += &measured::sources(said);
    out += &measured::costs(said);
    out += &measured::responses(said);
    out += &needed::nations(said);
    out += &needed::limits(said);
    out += &needed::figures(said);
    out
}

/// A table of Markdown.
fn table(heads: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    let rule: Vec<String> = heads.iter().map(|_| "---".to_owned()).collect();
    let mut out = line(&heads) + &line(&rule);
    rows.into_iter().for_each(|row| out += &line(&row));
    out + "\n"
}

/// A number as people read it: three digits that count, thousands apart.
fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1e9 {
        return format!("{} billion", (value / 1e7).round() / 100.0);
    }
    if size < 1_000.0 {
        let digits = if size >= 100.0 { 0 } else { 2 - (size.max(0.1).log10().floor() as i32) };
        let unit = 10_f64.powi(digits);
        return ((value * unit).round() / unit).to_string();
    }
    let digits = (size.log10().floor() as i32 - 2).max(0);
    let rounded = (value / 10_f64.powi(digits)).round() * 10_f64.powi(digits);
    let text = format!("{rounded:.0}");
    let first = text.len() % 3;
    let mut out = String::new();
    for (at, digit) in text.chars().enumerate() {
        if at > 0 && at % 3 == first % 3 && digit.is_ascii_digit() && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number, or a dash where it was not told.
fn or_dash(value: Option<f64>) -> String {
    value.map_or_else(|| "not told".to_owned(), number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        let all = [0.0, 0.0123, 4.567, 45.67, 60.0, 456.7, 4_567.0, 71_667.0, 4_300_000.0, 1e9, -1_234.0];
        let said: Vec<String> = all.into_iter().map(number).collect();
        let wanted = [
            "0",
            "0.012",
            "4.57",
            "45.7",
            "60",
            "457",
            "4,570",
            "71,700",
            "4,300,000",
            "1 billion",
            "-1,230",
        ];
        assert_eq!(said, wanted);
        assert_eq!(
            table(&["a", "b"], [vec!["1".to_owned(), "2".to_owned()]]),
            "| a | b |\n| --- | --- |\n| 1 | 2 |\n\n"
        );
    }
}
