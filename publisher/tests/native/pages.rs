//! The pages are served whole, are those of their sources, and ask nothing of anybody else.

use std::path::{Path, PathBuf};

use publisher::{Face, Publisher};
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
