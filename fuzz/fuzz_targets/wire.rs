//! Answers of a git server: however an answer is cut into pieces it reads the same; packets, written
//! again, are the bytes that came; a pack and a list are never more than what came; every name of a
//! list is legal and found again.

#![no_main]

use drone_hotfix::git::refs::{References, is_name};
use drone_hotfix::git::wire::{
    Advertisement, Boundary, Decoder, Greeting, Listing, Packet, Transfer, WireError, encode,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, answer) = input;
    let size = usize::from(size).max(1);
    let whole = answer.len().max(1);
    assert_eq!(again(answer, size), again(answer, whole));
    if let Ok(written) = again(answer, whole) {
        let came = answer.to_ascii_lowercase();
        assert!(came.starts_with(&written.to_ascii_lowercase()));
    }
    let list = list(answer, whole);
    assert_eq!(self::list(answer, size), list);
    if let Ok(list) = list {
        let names: usize = list.iter().map(|reference| reference.name.len() + 41).sum();
        assert!(names <= answer.len());
        for reference in list.iter() {
            assert!(is_name(&reference.name) && reference.name.starts_with("refs/"));
            assert_eq!(list.get(&reference.name), Some(reference));
        }
        assert_eq!(list.branches().count() + list.tags().count(), list.len());
    }
    let pack = pack(answer, whole);
    assert_eq!(self::pack(answer, size), pack);
    if let Ok((pack, boundary)) = pack {
        let ids = boundary.shallow.len() + boundary.unshallow.len();
        assert!(pack.len() + 40 * ids < answer.len());
    }
    assert_eq!(greeting(answer, size), greeting(answer, whole));
});

fn read(
    answer: &[u8],
    size: usize,
    mut each: impl FnMut(Packet<'_>) -> Result<(), WireError>,
) -> Result<(), WireError> {
    let mut decoder = Decoder::default();
    for mut piece in answer.chunks(size) {
        while let Some(packet) = decoder.next(&mut piece)? {
            each(packet)?;
        }
    }
    Ok(())
}

fn again(answer: &[u8], size: usize) -> Result<Vec<u8>, WireError> {
    let mut written = Vec::new();
    read(answer, size, |packet| {
        match packet {
            Packet::Data(content) => encode(&mut written, content).expect("it came in a packet"),
            Packet::Flush => written.extend_from_slice(b"0000"),
            Packet::Delimiter => written.extend_from_slice(b"0001"),
            Packet::ResponseEnd => written.extend_from_slice(b"0002"),
        }
        Ok(())
    })?;
    Ok(written)
}

fn list(answer: &[u8], size: usize) -> Result<References, WireError> {
    let mut listing = Listing::default();
    read(answer, size, |packet| listing.packet(packet))?;
    listing.finish()
}

fn pack(answer: &[u8], size: usize) -> Result<(Vec<u8>, Boundary), WireError> {
    let (mut transfer, mut pack) = (Transfer::default(), Vec::new());
    read(answer, size, |packet| {
        pack.extend_from_slice(transfer.packet(packet)?.unwrap_or_default());
        Ok(())
    })?;
    Ok((pack, transfer.finish()?))
}

fn greeting(answer: &[u8], size: usize) -> Result<Option<Advertisement>, WireError> {
    let mut greeting = Greeting::default();
    read(answer, size, |packet| greeting.packet(packet))?;
    Ok(greeting.answer().cloned())
}
