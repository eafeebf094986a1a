//! Draws a graph: boxes in columns, lines between them, all sizes in whole units that are pixels where there is room.

use unicode_width::UnicodeWidthChar;

use super::graph::{Edge, Face, Graph, Node, Tone};
use super::markup::{Markup, put};
use crate::report::escape;

const WIDTH: i32 = 212;
const GAP: i32 = 58;
const HEADING: i32 = 28;
const LINE: i32 = 16;
const PADDING: i32 = 10;
const BETWEEN: i32 = 14;
const MARGIN: i32 = 10;

/// Where a box lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    x: i32,
    y: i32,
    height: i32,
}

impl Place {
    fn middle(self) -> i32 {
        self.y + self.height / 2
    }
}

/// The boxes of each column, and the size of the whole.
struct Layout {
    places: Vec<Vec<Place>>,
    width: i32,
    height: i32,
}

fn height(node: &Node) -> i32 {
    2 * PADDING + LINE * whole(node.lines.len())
}

fn whole(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX / 1024)
}

fn layout(graph: &Graph) -> Layout {
    let tall = |nodes: &[Node]| nodes.iter().map(height).sum::<i32>() + BETWEEN * (whole(nodes.len()) - 1).max(0);
    let tallest = graph.columns.iter().map(|column| tall(&column.nodes)).max().unwrap_or(0);
    let mut places = Vec::new();
    for (index, column) in graph.columns.iter().enumerate() {
        let mut y = HEADING + (tallest - tall(&column.nodes)) / 2;
        let place = |node: &Node| {
            let place = Place { x: MARGIN + whole(index) * (WIDTH + GAP), y, height: height(node) };
            y += place.height + BETWEEN;
            place
        };
        places.push(column.nodes.iter().map(place).collect());
    }
    let columns = whole(graph.columns.len());
    Layout { places, width: 2 * MARGIN + columns * WIDTH + (columns - 1) * GAP, height: HEADING + tallest + MARGIN }
}

/// Draws the picture; `label` is read to those who don't see it.
pub(super) fn draw(out: &mut Markup, graph: &Graph, label: &str) {
    let layout = layout(graph);
    put!(out, "<svg class=\"wiring c" {graph.columns.len()} "\" role=\"img\" aria-label=\"" {label} "\" viewBox=\"0 0 " {layout.width} " " {layout.height});
    put!(out, "\" width=\"" {layout.width} "\" height=\"" {layout.height} "\">");
    for (index, column) in graph.columns.iter().enumerate() {
        let x = MARGIN + whole(index) * (WIDTH + GAP);
        put!(out, "<text class=\"h\" x=\"" {x} "\" y=\"14\">" {column.heading} "</text>");
    }
    for edge in &graph.edges {
        line(out, &layout, *edge);
    }
    for (column, places) in graph.columns.iter().zip(&layout.places) {
        for (node, place) in column.nodes.iter().zip(places) {
            node_box(out, node, *place);
        }
    }
    arrivals(out, graph, &layout);
    put!(out, "</svg>");
}

fn line(out: &mut Markup, layout: &Layout, edge: Edge) {
    let (from, to) = (layout.places[edge.from.0][edge.from.1], layout.places[edge.to.0][edge.to.1]);
    let (x1, y1, x2, y2) = (from.x + WIDTH, from.middle(), to.x - 6, to.middle());
    let bend = x1 + GAP / 2;
    put!(out, "<path class=\"e " {edge.tone.name()} "\" d=\"M" {x1} " " {y1} "C" {bend} " " {y1} " " {bend} " " {y2} " " {x2} " " {y2} "\"/>");
}

/// The head of the lines into each box; a cross where one is refused by something that has no box of its own.
fn arrivals(out: &mut Markup, graph: &Graph, layout: &Layout) {
    for (index, places) in layout.places.iter().enumerate() {
        for (number, place) in places.iter().enumerate() {
            let into = graph.edges.iter().filter(|edge| edge.to == (index, number)).map(|edge| edge.tone);
            let Some(tone) = into.max() else { continue };
            let (x, y) = (place.x, place.middle());
            if tone == Tone::Fails && graph.columns[index].nodes[number].tone == Tone::Plain {
                put!(out, "<circle class=\"stop\" cx=\"" {x - 8} "\" cy=\"" {y} "\" r=\"8\"/>");
                put!(out, "<text class=\"stop\" x=\"" {x - 8} "\" y=\"" {y + 4} "\">✗</text>");
            } else {
                put!(out, "<path class=\"a " {tone.name()} "\" d=\"M" {x} " " {y} "l-7-4v8z\"/>");
            }
        }
    }
}

fn node_box(out: &mut Markup, node: &Node, place: Place) {
    put!(out, "<g class=\"n " {node.tone.name()} "\"><title>");
    for (index, line) in node.title.lines().enumerate() {
        put!(out, {if index > 0 { " · " } else { "" }} {line});
    }
    put!(out, "</title><rect x=\"" {place.x} "\" y=\"" {place.y} "\" width=\"" {WIDTH} "\" height=\"" {place.height} "\" rx=\"6\"/>");
    for (index, (face, text)) in node.lines.iter().enumerate() {
        let y = place.y + PADDING + 12 + LINE * whole(index);
        put!(out, "<text class=\"" {class(*face)} "\" x=\"" {place.x + PADDING} "\" y=\"" {y} "\">");
        put!(out, {fitted(text, *face)} "</text>");
    }
    put!(out, "</g>");
}

fn class(face: Face) -> &'static str {
    match face {
        Face::Title => "t",
        Face::Id => "i",
        Face::Note => "o",
        Face::Fault => "f",
    }
}

/// Cut so that it stays in its box with the widest of the usual fonts.
fn fitted(text: &str, face: Face) -> String {
    // In tenths of a pixel for one column of a terminal.
    let each = match face {
        Face::Title => 82,
        Face::Id => 67,
        Face::Note | Face::Fault => 70,
    };
    let most = usize::try_from((WIDTH - 2 * PADDING) * 10 / each).unwrap_or(0);
    // What is invisible is spelled out, and then it counts.
    let text = escape::terminal(text);
    let columns = |c: char| c.width().unwrap_or(0);
    if text.chars().map(columns).sum::<usize>() <= most {
        return text;
    }
    let mut left = most - 1;
    let fits = |c: &char| {
        let fits = columns(*c) <= left;
        left = left.saturating_sub(columns(*c));
        fits
    };
    let mut cut: String = text.chars().take_while(fits).collect();
    cut.truncate(cut.trim_end().len());
    cut + "…"
}

/// A bar filled in proportion; the numbers are said beside it.
pub(super) fn bar(out: &mut Markup, used: u64, total: u64) {
    let percent = used.saturating_mul(100).checked_div(total).unwrap_or(0).min(100);
    // Whatever is in use shows.
    let filled = if used > 0 { percent.max(2) } else { 0 };
    let level = match percent {
        100.. => "full",
        80.. => "near",
        _ => "room",
    };
    put!(out, "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">");
    put!(out, "<rect class=\"ground\" width=\"100\" height=\"8\"/><rect class=\"" {level} "\" width=\"" {filled} "\" height=\"8\"/></svg>");
}

#[cfg(test)]
mod tests {
    use super::super::graph::{Column, MOST};
    use super::*;

    fn node(lines: usize) -> Node {
        let long = || "a-name-that-goes-on-and-on-and-on-日本語日本語日本語-and-on".to_owned();
        Node { tone: Tone::Plain, lines: (0..lines).map(|_| (Face::Title, long())).collect(), title: long() }
    }

    fn graph(sizes: &[usize]) -> Graph {
        let columns =
            sizes.iter().map(|size| Column { heading: "x", nodes: (0..*size).map(|n| node(n % 5 + 1)).collect() });
        Graph { columns: columns.collect(), edges: Vec::new() }
    }

    #[test]
    fn boxes_never_overlap_and_stay_on_the_picture() {
        for a in 1..=MOST {
            for b in 1..=MOST {
                let layout = layout(&graph(&[a, b, MOST, a, b]));
                let all: Vec<&Place> = layout.places.iter().flatten().collect();
                for (index, one) in all.iter().enumerate() {
                    assert!(one.y >= HEADING && one.y + one.height <= layout.height && one.x + WIDTH <= layout.width);
                    for other in &all[index + 1..] {
                        let beside = one.x + WIDTH + GAP <= other.x || other.x + WIDTH + GAP <= one.x;
                        let below =
                            one.y + one.height + BETWEEN <= other.y || other.y + other.height + BETWEEN <= one.y;
                        assert!(beside || below, "{one:?} {other:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn long_names_are_cut_and_wide_letters_count_twice() {
        assert_eq!(fitted("subnet-0123456789abcdef0", Face::Id), "subnet-0123456789abcdef0");
        assert_eq!(fitted("a-load-balancer-of-32-characters", Face::Title), "a-load-balancer-of-32-…");
        assert_eq!(fitted("日本語日本語日本語日本語日本語", Face::Title), "日本語日本語日本語日本…");
        assert_eq!(fitted("\u{202e}x", Face::Id), "\\u{202e}x");
    }
}
