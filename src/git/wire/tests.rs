use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::git::refs::Reference;

/// A packet with its content.
#[derive(Debug, Clone, PartialEq)]
enum Owned {
    Data(Vec<u8>),
    Flush,
    Delimiter,
    ResponseEnd,
}

impl Owned {
    fn of(packet: Packet<'_>) -> Self {
        match packet {
            Packet::Data(content) => Self::Data(content.to_vec()),
            Packet::Flush => Self::Flush,
            Packet::Delimiter => Self::Delimiter,
            Packet::ResponseEnd => Self::ResponseEnd,
        }
    }

    fn write(&self, message: &mut Vec<u8>) {
        match self {
            Self::Data(content) => encode(message, content).unwrap(),
            Self::Flush => message.extend_from_slice(b"0000"),
            Self::Delimiter => message.extend_from_slice(b"0001"),
            Self::ResponseEnd => message.extend_from_slice(b"0002"),
        }
    }
}

fn message(packets: &[Owned]) -> Vec<u8> {
    let mut message = Vec::new();
    for packet in packets {
        packet.write(&mut message);
    }
    message
}

/// Reads a message that comes in pieces of these sizes, over and over.
fn read<E: From<WireError>>(
    message: &[u8],
    sizes: &[usize],
    mut each: impl FnMut(Packet<'_>) -> Result<(), E>,
) -> Result<bool, E> {
    let mut decoder = Decoder::default();
    let mut rest = message;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = (*sizes.next().unwrap_or(&1)).clamp(1, rest.len());
        let (mut piece, later) = rest.split_at(size);
        rest = later;
        while let Some(packet) = decoder.next(&mut piece)? {
            each(packet)?;
        }
        assert!(piece.is_empty(), "everything is taken");
    }
    Ok(decoder.is_between())
}

fn packets(message: &[u8], sizes: &[usize]) -> Result<(Vec<Owned>, bool), WireError> {
    let mut found = Vec::new();
    let whole = read(message, sizes, |packet| {
        found.push(Owned::of(packet));
        Ok::<_, WireError>(())
    })?;
    Ok((found, whole))
}

fn listing(message: &[u8], sizes: &[usize]) -> Result<crate::git::refs::References, WireError> {
    let mut listing = Listing::default();
    read(message, sizes, |packet| listing.packet(packet))?;
    listing.finish()
}

fn transfer(message: &[u8], sizes: &[usize]) -> Result<(Vec<u8>, Boundary), WireError> {
    let (mut transfer, mut pack) = (Transfer::default(), Vec::new());
    read(message, sizes, |packet| {
        if let Some(part) = transfer.packet(packet)? {
            pack.extend_from_slice(part);
        }
        Ok::<_, WireError>(())
    })?;
    Ok((pack, transfer.finish()?))
}

fn greeting(message: &[u8], sizes: &[usize]) -> Result<Option<Advertisement>, WireError> {
    let mut greeting = Greeting::default();
    read(message, sizes, |packet| greeting.packet(packet))?;
    Ok(greeting.answer().cloned())
}

fn any_packet() -> impl Strategy<Value = Owned> {
    prop_oneof![
        8 => vec(any::<u8>(), 0..300).prop_map(Owned::Data),
        1 => (65_000..=65_516_usize).prop_map(|length| Owned::Data(vec![7; length])),
        1 => Just(Owned::Flush),
        1 => Just(Owned::Delimiter),
        1 => Just(Owned::ResponseEnd),
    ]
}

fn any_id() -> impl Strategy<Value = CommitId> {
    "[0-9a-f]{40}".prop_map(|text| CommitId::parse(&text).unwrap())
}

fn any_reference() -> impl Strategy<Value = Reference> {
    let name = "refs/(heads|tags)/[a-z0-9é]{1,6}(/[a-z0-9]{1,6})?";
    (name, any_id(), proptest::option::of(any_id())).prop_map(|(name, id, peeled)| Reference {
        name,
        id,
        peeled,
    })
}

/// Something like an answer: words of the protocol among garbage.
fn any_answer() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just(b"packfile\n".to_vec()),
        Just(b"shallow-info\n".to_vec()),
        Just(b"acknowledgments\n".to_vec()),
        Just(b"version 2\n".to_vec()),
        Just(b"fetch=shallow filter\n".to_vec()),
        Just(b"NAK\n".to_vec()),
        Just(b"ERR no\n".to_vec()),
        any_id().prop_map(|id| format!("shallow {}\n", id.as_str()).into_bytes()),
        any_id().prop_map(|id| format!("{} HEAD symref-target:\n", id.as_str()).into_bytes()),
        any_reference().prop_map(|r| format!("{} {}\n", r.id.as_str(), r.name).into_bytes()),
        (0..5_u8, vec(any::<u8>(), 0..50)).prop_map(|(band, rest)| [&[band], &rest[..]].concat()),
        vec(any::<u8>(), 0..50),
    ];
    let packet = prop_oneof![
        8 => word.prop_map(Owned::Data),
        1 => Just(Owned::Flush),
        1 => Just(Owned::Delimiter),
        1 => Just(Owned::ResponseEnd),
    ];
    (vec(packet, 0..20), vec(any::<u8>(), 0..8))
        .prop_map(|(packets, tail)| [message(&packets), tail].concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_however_it_is_cut(
        written in vec(any_packet(), 0..12),
        sizes in vec(1..70_000_usize, 1..6),
    ) {
        let message = message(&written);
        prop_assert_eq!(packets(&message, &sizes).unwrap(), (written.clone(), true));
        prop_assert_eq!(packets(&message, &[message.len()]).unwrap(), (written, true));
    }

    #[test]
    fn a_message_that_is_cut_short_is_seen_to_be(
        written in vec(any_packet(), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let all = message(&written);
        let cut = cut.index(all.len());
        let (found, whole) = packets(&all[..cut], &[9_000]).unwrap();
        prop_assert_eq!(&found[..], &written[..found.len()]);
        let ends = message(&found).len();
        prop_assert_eq!(whole, ends == cut);
    }

    #[test]
    fn garbage_is_an_error_or_packets_of_what_came(
        garbage in prop_oneof![vec(any::<u8>(), 0..200), "[0-9a-f]{0,200}".prop_map(String::into_bytes)],
        sizes in vec(1..20_usize, 1..4),
    ) {
        let cut = packets(&garbage, &sizes);
        prop_assert_eq!(&cut, &packets(&garbage, &[garbage.len().max(1)]));
        if let Ok((found, whole)) = cut {
            let again = message(&found);
            // Lengths may be written in capitals; everything else is as it came.
            prop_assert!(garbage.to_ascii_lowercase().starts_with(&again.to_ascii_lowercase()));
            prop_assert_eq!(whole, again.len() == garbage.len());
        }
    }

    #[test]
    fn a_list_is_read_as_it_was_written(
        references in vec(any_reference(), 0..30),
        head in proptest::option::of(any_reference()),
        sizes in vec(1..300_usize, 1..4),
    ) {
        let mut lines = Vec::new();
        if let Some(head) = &head {
            let line = format!("{} HEAD symref-target:{}\n", head.id.as_str(), head.name);
            lines.push(Owned::Data(line.into_bytes()));
        }
        for reference in &references {
            let mut line = format!("{} {}", reference.id.as_str(), reference.name);
            if let Some(peeled) = &reference.peeled {
                line.push_str(&format!(" peeled:{}", peeled.as_str()));
            }
            lines.push(Owned::Data(line.into_bytes()));
        }
        lines.push(Owned::Flush);
        let read = listing(&message(&lines), &sizes);
        let mut names: Vec<_> = references.iter().map(|r| &r.name).collect();
        names.sort();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            prop_assert!(matches!(read, Err(WireError::Twice(_))));
        } else {
            let read = read.unwrap();
            prop_assert_eq!(read.len(), references.len());
            for reference in &references {
                prop_assert_eq!(read.get(&reference.name), Some(reference));
            }
            let branch = head.as_ref().and_then(|head| head.name.strip_prefix("refs/heads/"));
            prop_assert_eq!(read.head_branch(), branch);
        }
    }

    #[test]
    fn a_pack_comes_out_as_it_went_in(
        parts in vec((any::<bool>(), vec(any::<u8>(), 0..100)), 0..20),
        shallow in vec(any_id(), 0..5),
        unshallow in vec(any_id(), 0..5),
        sizes in vec(1..200_usize, 1..4),
    ) {
        let data = |text: String| Owned::Data(text.into_bytes());
        let mut packets = vec![data("acknowledgments\n".into()), data("NAK\n".into()), Owned::Delimiter];
        packets.push(data("shallow-info\n".into()));
        packets.extend(shallow.iter().map(|id| data(format!("shallow {}\n", id.as_str()))));
        packets.extend(unshallow.iter().map(|id| data(format!("unshallow {}", id.as_str()))));
        packets.extend([Owned::Delimiter, data("packfile\n".into())]);
        let mut expected = Vec::new();
        for (is_pack, part) in &parts {
            packets.push(Owned::Data([&[if *is_pack { 1 } else { 2 }], &part[..]].concat()));
            if *is_pack {
                expected.extend_from_slice(part);
            }
        }
        let cut = message(&packets);
        prop_assert_eq!(transfer(&cut, &sizes), Err(WireError::Cut));
        packets.push(Owned::Flush);
        let (pack, boundary) = transfer(&message(&packets), &sizes).unwrap();
        prop_assert_eq!(pack, expected);
        prop_assert_eq!(boundary, Boundary { shallow, unshallow });
    }

    #[test]
    fn no_answer_makes_us_panic_or_depends_on_how_it_is_cut(
        answer in any_answer(),
        sizes in vec(1..30_usize, 1..4),
    ) {
        let whole = [answer.len().max(1)];
        prop_assert_eq!(listing(&answer, &sizes), listing(&answer, &whole));
        prop_assert_eq!(transfer(&answer, &sizes), transfer(&answer, &whole));
        prop_assert_eq!(greeting(&answer, &sizes), greeting(&answer, &whole));
        if let Ok((pack, boundary)) = transfer(&answer, &sizes) {
            let ids = boundary.shallow.len() + boundary.unshallow.len();
            prop_assert!(pack.len() + 40 * ids <= answer.len());
        }
        for error in [listing(&answer, &sizes).err(), transfer(&answer, &sizes).err()].into_iter().flatten() {
            prop_assert!(error.to_string().chars().count() < 400);
        }
    }

    #[test]
    fn a_request_says_what_is_wanted_and_ends_with_done(
        wants in vec(any_id(), 0..5),
        haves in vec(any_id(), 0..5),
        shallow in vec(any_id(), 0..5),
        deepen in proptest::option::of(any::<u32>()),
        commits_only in any::<bool>(),
    ) {
        let request = TransferRequest { wants: &wants, haves: &haves, shallow: &shallow, deepen, commits_only };
        let (found, whole) = packets(&transfer_request(&request), &[7]).unwrap();
        prop_assert!(whole);
        let lines: Vec<String> = found.iter().map(|packet| match packet {
            Owned::Data(line) => String::from_utf8(line.clone()).unwrap(),
            other => format!("{other:?}"),
        }).collect();
        let with = |word: &str, ids: &[CommitId]| -> Vec<String> {
            ids.iter().map(|id| format!("{word} {}\n", id.as_str())).collect()
        };
        let mut expected = vec!["command=fetch\n".to_owned(), "Delimiter".to_owned()];
        expected.extend(["no-progress\n".to_owned(), "ofs-delta\n".to_owned()]);
        expected.extend(commits_only.then(|| "filter tree:0\n".to_owned()));
        expected.extend(with("shallow", &shallow));
        expected.extend(deepen.map(|depth| format!("deepen {depth}\n")));
        expected.extend(with("want", &wants));
        expected.extend(with("have", &haves));
        expected.extend(["done\n".to_owned(), "Flush".to_owned()]);
        prop_assert_eq!(lines, expected);
    }
}

#[test]
fn a_packet_has_a_longest_and_its_length_is_digits() {
    let mut message = Vec::new();
    assert_eq!(
        encode(&mut message, &[0; LONGEST_PACKET - 3]),
        Err(LONGEST_PACKET - 3)
    );
    assert!(message.is_empty());
    encode(&mut message, &[0; LONGEST_PACKET - 4]).unwrap();
    assert_eq!(
        (message.len(), &message[..4]),
        (LONGEST_PACKET, &b"fff0"[..])
    );
    for wrong in [
        "0003", "fff1", "ffff", "+004", "-004", " 004", "0x04", "<htm",
    ] {
        let found = packets(wrong.as_bytes(), &[1]);
        assert_eq!(
            found,
            Err(WireError::NotPackets(wrong.trim().to_owned())),
            "{wrong}"
        );
    }
}

#[test]
fn the_decoder_keeps_one_packet_at_the_most() {
    let mut decoder = Decoder::default();
    let mut message = Vec::new();
    encode(&mut message, &[1; LONGEST_PACKET - 4]).unwrap();
    let message = message.repeat(50);
    for piece in message.chunks(1000) {
        let mut piece = piece;
        while decoder.next(&mut piece).unwrap().is_some() {}
        assert!(decoder.capacity() <= 2 * LONGEST_PACKET);
    }
}
