//! From text to values: the events of the parser, counted while they come.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::{Fault, Node, Value};
use crate::secret::shorten;

/// The most values in one document, counted with what its aliases stand for.
const MOST_NODES: usize = 50_000;
/// The deepest nesting, counted in the same way.
const DEEPEST: usize = 64;

/// The first document of a text, as the servers read it; `None` if there is none. `before` is the
/// number of lines of the file that stand before the text.
///
/// # Errors
/// What is wrong with the text, and where.
pub fn document(text: &str, before: usize) -> Result<Option<Rc<Node>>, Fault> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let line = (error.marker().line() + before).max(1);
            Fault::at(
                line,
                format!("no valid YAML: {}", shorten(error.info(), 120)),
            )
        })?;
        let line = span.start.line() + before;
        if reader.read(event, line)? {
            break;
        }
    }
    Ok(reader.root)
}

/// An open list or map (a map's keys and values in turn).
struct Open {
    map: bool,
    items: Vec<Rc<Node>>,
    anchor: usize,
    line: usize,
}

#[derive(Default)]
struct Reader {
    root: Option<Rc<Node>>,
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
}

impl Reader {
    /// Takes one event; whether the document is at its end.
    fn read(&mut self, event: Event<'_>, line: usize) -> Result<bool, Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = Node {
                    line,
                    value: Value::Scalar {
                        text: text.into_owned(),
                        plain: style == ScalarStyle::Plain && tag.is_none(),
                    },
                    size: 1,
                    height: 1,
                };
                self.add(Rc::new(node), anchor)?;
            }
            Event::SequenceStart(anchor, _) => self.begin(false, anchor, line)?,
            Event::MappingStart(anchor, _) => self.begin(true, anchor, line)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let anchor = open.anchor;
                    self.add(closed(open)?, anchor)?;
                }
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.add(node, 0)?,
                None => return Err(Fault::at(line, "a value that contains itself by an alias")),
            },
            Event::DocumentEnd => return Ok(true),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {}
        }
        Ok(false)
    }

    fn begin(&mut self, map: bool, anchor: usize, line: usize) -> Result<(), Fault> {
        if self.open.len() >= DEEPEST {
            return Err(too_deep(line));
        }
        self.open.push(Open {
            map,
            items: Vec::new(),
            anchor,
            line,
        });
        Ok(())
    }

    fn add(&mut self, node: Rc<Node>, anchor: usize) -> Result<(), Fault> {
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.open.last_mut() {
            Some(open) => {
                // Counted as it grows, so that a wide list of aliases ends early.
                if open.items.len() >= MOST_NODES {
                    return Err(too_large(open.line));
                }
                open.items.push(node);
            }
            None => self.root = Some(node),
        }
        Ok(())
    }
}

fn closed(open: Open) -> Result<Rc<Node>, Fault> {
    let line = open.line;
    let (mut size, mut height) = (1_usize, 0);
    for item in &open.items {
        size = size.saturating_add(item.size);
        height = height.max(item.height);
    }
    if size > MOST_NODES {
        return Err(too_large(line));
    }
    if height >= DEEPEST {
        return Err(too_deep(line));
    }
    let value = if open.map {
        let mut items = open.items.into_iter();
        let mut pairs = Vec::new();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            pairs.push((key, value));
        }
        Value::Map(pairs)
    } else {
        Value::List(open.items)
    };
    Ok(Rc::new(Node {
        line,
        value,
        size,
        height: height + 1,
    }))
}

fn too_large(line: usize) -> Fault {
    Fault::at(
        line,
        format!("a value that its aliases expand to more than {MOST_NODES} values"),
    )
}

fn too_deep(line: usize) -> Fault {
    Fault::at(
        line,
        format!("more than {DEEPEST} lists and maps in one another"),
    )
}
