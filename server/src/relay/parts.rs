//! Frames as messages: compressed, cut into parts that a server takes, and put together again.

use std::collections::HashMap;

use async_nats::HeaderMap;
use bytes::Bytes;
use schemas::relay::Frame;
use schemas::subject::{DELTAS, KEYFRAME_PARTS, KEYFRAMES};

/// Longest part: a server takes messages of up to 1 MiB unless told otherwise.
const PART_BYTES: usize = 900 * 1024;
/// Most bytes of a frame, so that a stray message can not fill the memory of an edge.
const MAX_FRAME_BYTES: usize = 512 * 1024 * 1024;
/// Most parts of a frame.
const MAX_PARTS: usize = 256;
/// Frames that may be incomplete at the same time: cores write beside each other.
const MAX_OPEN: usize = 8;

const FRAME: &str = "Jaego-Frame";
const PART: &str = "Jaego-Part";

/// A part, ready to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) subject: &'static str,
    /// The same part has the same id, whichever core tells it: the stream keeps one.
    pub(super) id: String,
    pub(super) headers: HeaderMap,
    pub(super) payload: Bytes,
}

/// Cuts a frame.
///
/// # Errors
/// When it can not be compressed.
pub(super) fn cut(frame: &Frame) -> std::io::Result<Vec<Part>> {
    let name = match frame {
        Frame::Keyframe(snapshot) => format!("key-{}", snapshot.version),
        Frame::Delta(delta) => format!("delta-{}-{}", delta.from, delta.version),
    };
    let text = serde_json::to_vec(frame).expect("a snapshot holds only text and numbers");
    let whole = Bytes::from(zstd::bulk::compress(&text, 1)?);
    let count = whole.len().div_ceil(PART_BYTES);
    let part = |n: usize| {
        let payload = whole.slice(n * PART_BYTES..whole.len().min((n + 1) * PART_BYTES));
        let mut headers = HeaderMap::new();
        headers.insert(FRAME, name.as_str());
        headers.insert(PART, format!("{n}/{count}").as_str());
        let subject = match frame {
            Frame::Delta(_) => DELTAS,
            Frame::Keyframe(_) if n == 0 => KEYFRAMES,
            Frame::Keyframe(_) => KEYFRAME_PARTS,
        };
        Part { subject, id: format!("{name}-{n}"), headers, payload }
    };
    Ok((0..count).map(part).collect())
}

/// Puts frames together, whose parts come in any order.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    open: HashMap<String, Vec<Option<Bytes>>>,
    /// Names in the order in which they were begun.
    order: Vec<String>,
}

impl Assembly {
    /// Takes a part, and gives the frame that it completes.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn take(
        &mut self,
        headers: Option<&HeaderMap>,
        payload: Bytes,
    ) -> Result<Option<Frame>, String> {
        let header =
            |name: &str| headers.and_then(|headers| headers.get(name)).map(async_nats::HeaderValue::as_str);
        let name = header(FRAME).ok_or("a message without the name of its frame")?;
        let (n, count) = header(PART).and_then(numbers).ok_or("a message that tells not which part it is")?;
        if !self.open.contains_key(name) {
            self.begin(name, count);
        }
        let parts = self.open.get_mut(name).expect("begun above");
        *parts.get_mut(n).ok_or("a part beyond the last")? = Some(payload);
        if parts.iter().any(Option::is_none) {
            return Ok(None);
        }
        self.order.retain(|begun| begun != name);
        let parts = self.open.remove(name).expect("it is there");
        read(&parts.into_iter().flatten().collect::<Vec<_>>().concat()).map(Some)
    }

    fn begin(&mut self, name: &str, count: usize) {
        if self.order.len() == MAX_OPEN {
            // Whoever told the oldest has died over it.
            self.open.remove(&self.order.remove(0));
        }
        self.order.push(name.to_owned());
        self.open.insert(name.to_owned(), vec![None; count]);
    }
}

fn numbers(text: &str) -> Option<(usize, usize)> {
    let (n, count) = text.split_once('/')?;
    let (n, count) = (n.parse().ok()?, count.parse().ok()?);
    (n < count && count <= MAX_PARTS).then_some((n, count))
}

fn read(whole: &[u8]) -> Result<Frame, String> {
    let text = zstd::bulk::decompress(whole, MAX_FRAME_BYTES)
        .map_err(|error| format!("not compressed as it should be: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("not a frame: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use schemas::relay::Delta;
    use schemas::{Millis, OutletCode};

    use super::*;

    /// A delta whose text does not compress below some parts.
    fn long() -> Frame {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 8
        };
        let codes = (0..200_000).map(|_| OutletCode::new(&format!("{:014x}", next())).unwrap());
        Frame::Delta(Box::new(Delta {
            from: 3,
            version: 5,
            at: Millis(7),
            interval_ms: 1_000,
            registry_version: 1,
            places: 0,
            changed: Vec::new(),
            rules: None,
            heard: None,
            unregistered: Some(Arc::new(codes.collect())),
            schedule: None,
        }))
    }

    #[test]
    fn parts_in_any_order_and_twice_make_the_frame() {
        let frame = long();
        let parts = cut(&frame).unwrap();
        assert!(
            parts.len() > 1 && parts.iter().all(|part| part.payload.len() <= PART_BYTES),
            "{}",
            parts.len()
        );
        let mut assembly = Assembly::default();
        let mut take = |part: &Part| assembly.take(Some(&part.headers), part.payload.clone());
        for part in parts.iter().rev().take(parts.len() - 1).chain(&parts[1..]) {
            assert_eq!(take(part), Ok(None));
        }
        assert_eq!(take(&parts[0]), Ok(Some(frame)));
    }

    #[test]
    fn what_is_no_part_is_told_and_does_no_harm() {
        let parts = cut(&long()).unwrap();
        let mut assembly = Assembly::default();
        let with = |name: &str, part: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(FRAME, name);
            headers.insert(PART, part);
            headers
        };
        assert!(assembly.take(None, Bytes::new()).is_err());
        for part in ["", "1", "1/1", "2/1", "0/257", "-1/2", "x/y"] {
            assert!(assembly.take(Some(&with("a", part)), Bytes::new()).is_err(), "{part}");
        }
        assert!(assembly.take(Some(&with("a", "0/1")), Bytes::from_static(b"no zstd")).is_err());
        // Frames that are never finished make room for those that are.
        for n in 0..50 {
            assert_eq!(assembly.take(Some(&with(&format!("never-{n}"), "0/2")), Bytes::new()), Ok(None));
        }
        assert_eq!((assembly.open.len(), assembly.order.len()), (MAX_OPEN, MAX_OPEN));
        let whole = parts.iter().map(|part| assembly.take(Some(&part.headers), part.payload.clone()));
        assert_eq!(whole.last(), Some(Ok(Some(long()))));
    }
}
