//! Registry files of every container and encoding give the same rows, and no bytes make the reader panic.

use encoding_rs::EUC_KR;
use ingest::registry::{FindingKind, Layout, ReadError, digest, read};
use proptest::prelude::*;
use rust_xlsxwriter::Workbook;
use schemas::OutletCode;
use schemas::registry::{OutletInfo, OutletType, Place, RegionCode};

const LIST: &str = "\
addr,code,latitude,longitude,name,type
\"충청남도 홍성군 갈산면 상촌로 12-1,\",34840559,36.6029863,126.5489114,신신약국,01
 경남 진주시 남강로 1 ,6098304335,35.18,128.1,대산<간> 하나로마트,03
동면 공작산로 510,2238302676,,,홍천동면우체국,02
";

fn kinds(text: &str) -> Vec<FindingKind> {
    read(text.as_bytes(), "list.csv")
        .expect("a list")
        .findings
        .into_iter()
        .map(|finding| finding.kind)
        .collect()
}

/// A list of one pharmacy, and these lines.
fn list_with(lines: &str) -> String {
    format!(
        "addr,code,latitude,longitude,name,type\n서울특별시 중구 명동길 1,10000001,37.5,127.0,가약국,01\n{lines}"
    )
}

#[test]
fn a_store_list_is_read_as_it_is_written() {
    let file = read(LIST.as_bytes(), "list.csv").unwrap();
    assert_eq!((file.layout, file.rows_read, file.rows.len()), (Layout::StoreList, 3, 3));
    assert_eq!(file.rows[0].addr, "충청남도 홍성군 갈산면 상촌로 12-1,");
    assert_eq!(file.rows[0].place, Some(Place { lat: 36.602_986_3, lng: 126.548_911_4 }));
    assert_eq!(file.rows[0].region, Some(RegionCode(44_800)));
    assert_eq!(file.rows[1].addr, " 경남 진주시 남강로 1 ");
    assert_eq!((file.rows[1].kind, file.rows[1].region), (OutletType::Mart, Some(RegionCode(48_170))));
    assert_eq!(file.rows[1].name, "대산<간> 하나로마트");
    assert_eq!((file.rows[2].place, file.rows[2].region), (None, None));
    assert_eq!(kinds(LIST), [FindingKind::NoCoordinates, FindingKind::NoRegion]);
    assert!(file.findings.iter().all(|finding| finding.line == 4 && finding.code == "2238302676"));
}

#[test]
fn the_id_in_the_other_list_is_kept_and_changes_the_fingerprint() {
    let with = |ids: [&str; 2]| {
        format!(
            "addr,code,latitude,longitude,name,type,ykiho\n서울특별시 중구 명동길 1,10000001,37.5,127.0,가약국,01,{}\n\
             서울특별시 중구 명동길 2,1000000200,37.5,127.0,나우체국,02,{}\n",
            ids[0], ids[1]
        )
    };
    let file = read(with(["JDQ4MTg4MSM1MSMk/+==", ""]).as_bytes(), "list.csv").unwrap();
    let hira = |row: usize| file.rows[row].external_ids.as_ref()?.hira.as_ref().map(OutletCode::as_str);
    assert_eq!((hira(0), hira(1)), (Some("JDQ4MTg4MSM1MSMk/+=="), None));
    assert_eq!((file.layout, file.rows[1].kind), (Layout::StoreList, OutletType::PostOffice));
    assert_eq!(file.findings, []);
    let bad = read(with(["두 낱말", ""]).as_bytes(), "list.csv").unwrap();
    assert_eq!(bad.findings[0].kind, FindingKind::BadExternalId);
    assert_eq!((bad.rows.len(), bad.rows[0].external_ids.is_none()), (2, true));
    let without = read(with(["", ""]).as_bytes(), "list.csv").unwrap();
    assert!(file.digest != without.digest && bad.digest == without.digest);

    let hira =
        "ykiho,name,addr,lat,lng,mask_code\nJDQ=,가약국,서울특별시 중구 명동길 1,37.5,127.0,10000001\n";
    let file = read(hira.as_bytes(), "hira.csv").unwrap();
    let mask = file.rows[0].external_ids.as_ref().and_then(|ids| ids.mask.as_ref());
    assert_eq!((file.layout, mask.map(OutletCode::as_str)), (Layout::HiraRegister, Some("10000001")));
}

#[test]
fn a_position_of_sixteen_digits_keeps_its_last_one() {
    let text = list_with("경기도 과천시,41801610,37.42811143682242,126.99249238622633,이화약국,01");
    let row = read(text.as_bytes(), "list.csv").expect("a list").rows.remove(1);
    let line = serde_json::to_string(&row).unwrap();
    assert!(line.contains("\"lat\":37.42811143682242,\"lng\":126.99249238622633"), "{line}");
    assert_eq!(serde_json::from_str::<OutletInfo>(&line).unwrap(), row);
}

#[test]
fn encodings_and_line_ends_do_not_change_the_rows() {
    let expected = read(LIST.as_bytes(), "list.csv").unwrap();
    let cp949 = EUC_KR.encode(LIST).0.into_owned();
    let marked = format!("\u{feff}{LIST}").into_bytes();
    let dos = LIST.replace('\n', "\r\n").into_bytes();
    let utf16: Vec<u8> = format!("\u{feff}{LIST}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [cp949, marked, dos, utf16] {
        let file = read(&bytes, "list.csv").unwrap();
        assert_eq!((file.digest, &file.rows), (expected.digest, &expected.rows));
        assert_eq!(file.findings, expected.findings);
    }
    assert_ne!(digest(&expected.rows[1..]), expected.digest);
}

#[test]
fn the_register_is_read_from_a_workbook_by_its_korean_headers() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(0, 0, "전국 약국 현황").unwrap();
    for (column, header) in
        ["암호화요양기호", "요양기관명", "종별코드", "우편번호", "주소", "좌표(X)", "좌표(Y)"]
            .iter()
            .enumerate()
    {
        sheet.write(1, u16::try_from(column).unwrap(), *header).unwrap();
    }
    for (column, text) in
        ["JDQ4MTg4MSM1MSMk==", "애플약국", "81", "07555", "서울특별시 강서구 양천로 684 (염창동)"]
            .iter()
            .enumerate()
    {
        sheet.write(2, u16::try_from(column).unwrap(), *text).unwrap();
    }
    sheet.write(2, 5, 126.871_971_3).unwrap();
    sheet.write(2, 6, 37.550_660_1).unwrap();
    let file = read(&workbook.save_to_buffer().unwrap(), "register.xlsx").unwrap();
    assert_eq!((file.layout, file.rows.len(), file.findings.len()), (Layout::HiraRegister, 1, 0));
    assert_eq!(file.rows[0].code.as_str(), "JDQ4MTg4MSM1MSMk==");
    assert_eq!((file.rows[0].kind, file.rows[0].region), (OutletType::Pharmacy, Some(RegionCode(11_500))));
    assert_eq!(file.rows[0].place, Some(Place { lat: 37.550_660_1, lng: 126.871_971_3 }));
}

#[test]
fn a_store_list_saved_as_a_workbook_keeps_its_rows() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(LIST.as_bytes());
    for (row, record) in (0_u32..).zip(reader.records()) {
        for (column, text) in (0_u16..).zip(&record.unwrap()) {
            // A spreadsheet makes numbers of what looks like one, so 01 becomes 1.
            match text.parse::<f64>() {
                Ok(number) => sheet.write(row, column, number).unwrap(),
                Err(_) => sheet.write(row, column, text).unwrap(),
            };
        }
    }
    let file = read(&workbook.save_to_buffer().unwrap(), "list.xlsx").unwrap();
    assert_eq!(file.rows, read(LIST.as_bytes(), "list.csv").unwrap().rows);
}

#[test]
fn defects_are_listed_and_only_rows_without_a_code_of_their_own_are_left_out() {
    use FindingKind as K;
    let shop = "서울특별시 중구 명동길 1";
    let cases = [
        (format!("{shop},,37.5,127.0,나약국,01"), vec![K::NoCode], 1),
        (format!("{shop},1 2,37.5,127.0,나약국,01"), vec![K::BadCode], 1),
        (format!("{shop},10000001,37.5,127.0,나약국,01"), vec![K::DuplicateCode], 1),
        (format!("{shop},10000002,37.5,127.0,가약국,01"), vec![K::DuplicatePlaceName], 2),
        (format!("{shop},10000002,37.5,127.0,,01"), vec![K::NoName], 2),
        (format!("{shop},10000002,37.5,127.0,나약국,09"), vec![K::BadType], 2),
        (format!("{shop},10000002,37.5,,나약국,01"), vec![K::NoCoordinates], 2),
        (format!("{shop},10000002,0,0,나약국,01"), vec![K::ImpossibleCoordinates], 2),
        (format!("{shop},10000002,NaN,inf,나약국,01"), vec![K::ImpossibleCoordinates], 2),
        (format!("{shop},10000002,3x,127.0,나약국,01"), vec![K::ImpossibleCoordinates], 2),
        (format!("{shop},10000002,127.0,37.5,나약국,01"), vec![K::SwappedCoordinates], 2),
        ("어딘가 1,10000002,37.5,127.0,나약국,01".to_owned(), vec![K::NoRegion], 2),
        (format!("{shop},10000002,37.5,127.0,{},01", "나".repeat(401)), vec![K::TooLong], 1),
        (format!("{},10000002,37.5,127.0,나약국,01", format!("{shop} ").repeat(40)), vec![K::TooLong], 1),
        (format!("{shop},10000002,37.5,127.0,{},01", "나".repeat(400)), vec![], 2),
        (format!("{shop},10000002,37.5,127.0,\"나\n약국\",01"), vec![K::SwallowedLines], 2),
        ("짧은 줄,10000002".to_owned(), vec![K::NoName, K::BadType, K::NoCoordinates, K::NoRegion], 2),
    ];
    for (line, expected, taken) in cases {
        let file = read(list_with(&line).as_bytes(), "list.csv").unwrap();
        let found: Vec<K> = file.findings.iter().map(|finding| finding.kind).collect();
        assert_eq!((found, file.rows.len(), file.rows_read), (expected, taken, 2), "{line}");
        assert!(file.findings.iter().all(|finding| finding.line == 3), "{line}");
    }
}

#[test]
fn a_damaged_byte_is_a_finding_of_its_own_row_in_either_encoding() {
    let whole = read(LIST.as_bytes(), "list.csv").unwrap();
    for bytes in [LIST.as_bytes().to_vec(), EUC_KR.encode(LIST).0.into_owned()] {
        let first = bytes.iter().position(|byte| !byte.is_ascii()).unwrap();
        let file = read(&[&bytes[..first], &bytes[first + 1..]].concat(), "list.csv").unwrap();
        assert_eq!(file.rows[1..], whole.rows[1..]);
        let bad: Vec<u64> =
            file.findings.iter().filter(|f| f.kind == FindingKind::BadText).map(|f| f.line).collect();
        assert_eq!((file.rows[0].name.as_str(), bad.as_slice()), ("신신약국", [2].as_slice()));
    }
}

#[test]
fn rows_within_a_quoted_cell_are_told_with_their_number() {
    let row = |n: u32| format!("서울특별시 중구 명동길 {n},{n},37.5,127.0,나약국 {n},01\n");
    let rows = [row(2), format!("\"{}", row(3)), row(4), row(5), format!("\"{}", row(6)), row(7)].concat();
    let file = read(list_with(&rows).as_bytes(), "list.csv").unwrap();
    let found = &file.findings[0];
    assert_eq!((found.kind, found.line), (FindingKind::SwallowedLines, 4));
    assert!(found.detail.contains("over 3 more lines"), "{}", found.detail);
    let codes: Vec<&str> = file.rows.iter().map(|row| row.code.as_str()).collect();
    assert_eq!(codes, ["10000001", "2", "6", "7"]);
    let heading = list_with(&row(2)).replacen("type\n", "type,\"more\n", 1).replacen("01\n", "01\n\"", 1);
    let file = read(heading.as_bytes(), "list.csv").unwrap();
    assert_eq!((file.findings[0].kind, file.findings[0].line), (FindingKind::SwallowedLines, 1));
}

#[test]
fn a_quote_that_is_never_closed_is_an_error_with_its_line() {
    let text = list_with("\"서울특별시 중구 명동길 2,2,37.5,127.0,나약국,01\n서울,3,37.5,127.0,다약국,01\n");
    let error = read(text.as_bytes(), "list.csv").unwrap_err();
    assert!(matches!(error, ReadError::OpenQuote { line: 3, swallowed: 1 }), "{error}");
    assert!(error.to_string().contains("in line 3 is never closed"), "{error}");
}

#[test]
fn columns_filled_the_wrong_way_round_are_one_finding() {
    let text = "addr,code,latitude,longitude,name,type
서울특별시 중구,1,127.0,37.5,가,01
서울특별시 중구,2,127.1,37.6,나,01
서울특별시 중구,3,37.7,127.2,다,01
";
    let file = read(text.as_bytes(), "list.csv").unwrap();
    let places: Vec<Option<Place>> = file.rows.iter().map(|row| row.place).collect();
    let expected = [(37.5, 127.0), (37.6, 127.1), (37.7, 127.2)].map(|(lat, lng)| Some(Place { lat, lng }));
    assert_eq!(places, expected);
    let swapped: Vec<u64> = file.findings.iter().map(|finding| finding.line).collect();
    assert_eq!(swapped, [1, 4]);
}

#[test]
fn what_is_no_registry_says_so() {
    assert!(matches!(read(b"", "empty"), Err(ReadError::Columns(_))));
    assert!(matches!(read(b"a,b\n1,2\n", "other.csv"), Err(ReadError::Columns(head)) if head == "a,b"));
    assert!(matches!(read(b"\x1f\x8b\x08cut", "cut.gz"), Err(ReadError::Gzip(_))));
    assert!(matches!(read(b"PK\x03\x04no zip", "bad.xlsx"), Err(ReadError::Workbook(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = read(&bytes, "random");
        let with_header = [LIST.as_bytes(), &bytes].concat();
        let file = match read(&with_header, "random") {
            Err(ReadError::OpenQuote { line, .. }) => {
                prop_assert!(line > 4);
                return Ok(());
            }
            read => read.unwrap(),
        };
        let left_out =
            [FindingKind::TooLong, FindingKind::NoCode, FindingKind::BadCode, FindingKind::DuplicateCode];
        let left_out: usize = left_out.iter().map(|kind| file.count(*kind)).sum();
        prop_assert_eq!(file.rows.len() + left_out, file.rows_read);
    }

    #[test]
    fn no_damage_makes_the_workbook_reader_panic(at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut workbook = Workbook::new();
        workbook.add_worksheet().write(0, 0, "code").unwrap();
        let mut bytes = workbook.save_to_buffer().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = value;
        let _ = read(&bytes, "damaged.xlsx");
    }
}
