//! nginx as a server of ready bytes: static files, kept open, no access log.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use nix::sys::signal::Signal;

use super::process::{NotInstalled, Running, as_nice_as_readers, find, free_port};

/// An nginx of its own.
pub struct Nginx {
    base: String,
    /// Ends the server when dropped.
    _server: Running,
}

/// Finds nginx.
pub(super) fn program() -> Result<PathBuf, NotInstalled> {
    find("nginx", "nginx-light")
}

impl Nginx {
    /// Serves the bodies, given by their path within the site, with so many workers; `x.json.gz` is what a client that
    /// takes gzip gets for `x.json`. Every answer has the headers too, given by name and value: bytes that both sides are to
    /// send.
    ///
    /// # Errors
    /// [`NotInstalled`] with the next step, or when it does not come up.
    pub async fn start(
        dir: &Path,
        files: &[(&str, &[u8])],
        headers: &[(String, String)],
        workers: usize,
    ) -> Result<Self> {
        for (path, body) in files {
            let file = dir.join("site").join(path.trim_start_matches('/'));
            fs::create_dir_all(file.parent().context("a file has a folder")?)?;
            fs::write(file, body)?;
        }
        let port = free_port()?;
        let settings = dir.join("nginx.conf");
        fs::write(&settings, configuration(dir, port, headers, workers))?;
        let mut command = as_nice_as_readers(&program()?);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.arg("-p").arg(dir).arg("-c").arg(&settings).arg("-e").arg(dir.join("error.log"));
        let mut server = Running::start(&mut command, Signal::SIGTERM)?;
        let base = format!("http://127.0.0.1:{port}");
        server.ready(|| async { Ok(reqwest::get(&base).await.map(drop)?) }).await.context("nginx")?;
        Ok(Self { base, _server: server })
    }

    /// The address of a file.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("{}/{}", self.base, path.trim_start_matches('/'))
    }
}

fn configuration(dir: &Path, port: u16, headers: &[(String, String)], workers: usize) -> String {
    let dir = dir.display();
    let headers: String =
        headers.iter().map(|(name, value)| format!("add_header {name} \"{value}\"; ")).collect();
    // `user root` lets workers read a private folder; without root, nginx ignores it.
    format!(
        "user root; daemon off; worker_processes {workers}; pid {dir}/nginx.pid; error_log {dir}/error.log error;
events {{ worker_connections 8192; multi_accept on; }}
http {{
  access_log off; server_tokens off; sendfile on; tcp_nopush on; tcp_nodelay on; gzip_static on;
  keepalive_timeout 75s; keepalive_requests 1000000000;
  open_file_cache max=10000 inactive=10m; open_file_cache_valid 10m; open_file_cache_errors on;
  types {{ application/json json; text/html html; }}
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  server {{ listen 127.0.0.1:{port} reuseport backlog=4096; root {dir}/site; {headers}}}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::{here, http};

    #[tokio::test(flavor = "multi_thread")]
    async fn the_given_bytes_are_served_under_load() {
        if !here(program()) || !here(http::program()) {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let files: [(&str, &[u8]); 2] = [("/v1/a.json", b"{\"a\":1}"), ("/v1/b.json", b"{\"b\":2}")];
        let header = ("cache-control".to_owned(), "public, max-age=1".to_owned());
        let nginx = Nginx::start(dir.path(), &files, &[header], 2).await.unwrap();
        let answer = reqwest::get(nginx.url("/v1/b.json")).await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "public, max-age=1");
        let body = answer.bytes().await.unwrap();
        assert_eq!(&body[..], b"{\"b\":2}");
        let urls = ["/v1/a.json", "/v1/b.json"].map(|path| nginx.url(path));
        let load = http::load(&urls, &[], 16, 0.3).await.unwrap();
        println!("{load}");
        assert!(load.ops > 0 && load.errors == 0, "{load:?}");
        let missing = http::load(&[nginx.url("/v1/c.json")], &[], 16, 0.3).await.unwrap();
        assert!(missing.errors > 0 && missing.ops == 0, "an answer of 404 is no success: {missing:?}");
    }
}
