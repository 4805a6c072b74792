//! The pages are served whole, are those of their sources, and ask nothing of anybody else.

use std::path::{Path, PathBuf};

use publisher::{Face, MapTiles, Publisher, Settings};
use sha2::{Digest, Sha256};

use crate::client::get;

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Of each source, in the order of their paths: the path, a zero byte, and what is in it.
fn digest_of_sources() -> String {
    let mut found = ["package.json", "package-lock.json", "build.mjs"].map(|name| web().join(name)).to_vec();
    ["src", "static"].iter().for_each(|dir| files(&web().join(dir), &mut found));
    let mut named: Vec<(String, PathBuf)> = found
        .into_iter()
        .map(|path| (path.strip_prefix(web()).unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    named.sort();
    let mut digest = Sha256::new();
    for (name, path) in named {
        digest.update(name.as_bytes());
        digest.update([0]);
        digest.update(std::fs::read(path).unwrap());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_committed_pages_are_those_of_their_sources() {
    let built = std::fs::read_to_string(web().join("dist/SOURCES")).unwrap();
    assert_eq!(built.trim(), digest_of_sources(), "run `npm ci && npm run build` in publisher/web");
}

#[tokio::test]
async fn pages_and_all_that_they_name_are_served() {
    // Before there is a version as well: a page says so by itself.
    let router = Publisher::new(Face::default()).router();
    for page in ["/", "/status", "/docs"] {
        let answer = get(&router, page).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-type")),
            (200, Some("text/html; charset=utf-8"))
        );
        assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'self'"));
        let text = answer.text();
        let named: Vec<&str> =
            text.split('"').filter(|part| part.starts_with('/') && !part.contains(' ')).collect();
        assert!(named.iter().any(|path| path.ends_with(".js")), "{text}");
        for path in named {
            let part = get(&router, path).await;
            assert_eq!(part.status, 200, "{path}");
            let lasts = part.header("cache-control").unwrap().contains("immutable");
            assert_eq!(lasts, path.starts_with("/assets/"), "{path}");
        }
    }
    assert_eq!(get(&router, "/sw.js").await.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(get(&router, "/SOURCES").await.status, 404);
}

#[tokio::test]
async fn with_tiles_the_page_may_load_pictures_from_their_origin_and_nothing_else() {
    let template = "https://tiles.example:8443/{z}/{x}/{y}.png?a=1&b=2";
    let tiles = MapTiles::new(template, "© \"Somebody\" <of> [all](https://all.example/)").unwrap();
    let with = Publisher::with(Settings { tiles: Some(tiles), ..Settings::default() }).router();
    let without = Publisher::new(Face::default()).router();
    for page in ["/", "/status", "/docs"] {
        let (with, without) = (get(&with, page).await, get(&without, page).await);
        let [policy, closed] =
            [&with, &without].map(|answer| answer.header("content-security-policy").unwrap());
        assert_eq!(policy, closed.replace("data: blob:", "data: blob: https://tiles.example:8443"), "{page}");
        assert!(!closed.contains("http"), "{closed}");
        assert_eq!(with.body == without.body, page != "/", "{page}");
        assert_eq!(with.header("etag") == without.header("etag"), page != "/", "{page}");
    }
    let page = get(&with, "/").await.text();
    let told = [
        r#"<meta name="jaego-tiles" content="https://tiles.example:8443/{z}/{x}/{y}.png?a=1&amp;b=2">"#,
        r#"<meta name="jaego-tiles-attribution" content="© &quot;Somebody&quot; &lt;of> [all](https://all.example/)">"#,
    ];
    assert!(told.iter().all(|meta| page.contains(meta)), "{page}");
    assert!(get(&without, "/").await.text().contains(r#"<meta name="jaego-tiles" content="">"#));
}
