//! A network of its own for one node, behind a cable that can be pulled: a network namespace and a pair of virtual links.

use std::net::{IpAddr, Ipv4Addr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rand::Rng;

use super::refused::{self, NotHere};

/// How long the namespace may take to come up.
const UP_WITHIN: Duration = Duration::from_secs(5);
/// The name of the inner end.
const INNER: &str = "inner";

/// The network; gone with this value. Where this process is killed the kernel removes the namespace as soon as nobody is in it and what was
/// under way is given up: while the cable is out that takes some minutes.
pub(crate) struct Island {
    /// Is in the namespace and does nothing else.
    holder: Child,
    /// Address of everybody else, as the island sees it.
    pub(crate) outside: IpAddr,
    /// Address of who is on the island.
    pub(crate) inside: IpAddr,
}

impl Island {
    /// Makes one. Called by the main thread: it ends with it.
    ///
    /// # Errors
    /// [`NotHere`] where this user may not or a program is missing; else what the system says.
    pub(crate) fn make() -> Result<Self> {
        for (program, package) in [
            ("ip", "iproute2"),
            ("unshare", "util-linux"),
            ("nsenter", "util-linux"),
            ("setpriv", "util-linux"),
        ] {
            refused::needs_program(program, package, "a partition")?;
        }
        if !nix::unistd::geteuid().is_root() {
            return Err(NotHere::Root {
                what: "a partition",
                instead: "run it as root, or in a network of your own: unshare --user --map-root-user --net -- sh -c 'ip link set lo up && jaego \
                          rehearse partition'",
            }
            .into());
        }
        let (outside, inside) = addresses();
        let holder = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "unshare", "--net", "--", "sleep", "infinity"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting who holds the network of a partition")?;
        let mut island = Self { holder, outside: outside.into(), inside: inside.into() };
        island.wait_until_apart()?;
        island.connect(outside, inside)?;
        Ok(island)
    }

    /// Waits until the holder is in a namespace other than ours.
    fn wait_until_apart(&mut self) -> Result<()> {
        let space = |of: &str| std::fs::read_link(format!("/proc/{of}/ns/net")).ok();
        let (ours, pid, started) = (space("self"), self.holder.id().to_string(), Instant::now());
        while space(&pid).is_none_or(|its| Some(its) == ours) {
            if self.holder.try_wait()?.is_some() || started.elapsed() > UP_WITHIN {
                let instead = "run it where namespaces may be made (`unshare --net true` tells)";
                return Err(NotHere::Root { what: "a partition", instead }.into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn connect(&self, outside: Ipv4Addr, inside: Ipv4Addr) -> Result<()> {
        let (outer, pid) = (self.outer(), self.holder.id().to_string());
        let (ours, its) = (format!("{outside}/30"), format!("{inside}/30"));
        run(Command::new("ip")
            .args(["link", "add", &outer, "type", "veth", "peer", "name", INNER, "netns", &pid]))?;
        run(Command::new("ip").args(["address", "add", &ours, "dev", &outer]))?;
        run(Command::new("ip").args(["link", "set", &outer, "up"]))?;
        run(self.within("ip").args(["address", "add", &its, "dev", INNER]))?;
        run(self.within("ip").args(["link", "set", "lo", "up"]))?;
        self.pull(false)
    }

    /// Pulls the cable, or puts it in again. What is sent meanwhile is lost, and nobody is told.
    ///
    /// # Errors
    /// When the system does not do it.
    pub(crate) fn pull(&self, out: bool) -> Result<()> {
        run(self.within("ip").args(["link", "set", INNER, if out { "down" } else { "up" }]))
    }

    /// Words of a command line that run the words after them on the island.
    pub(crate) fn prefix(&self) -> [String; 3] {
        ["nsenter".to_owned(), format!("--net=/proc/{}/ns/net", self.holder.id()), "--".to_owned()]
    }

    /// Name of the outer end.
    fn outer(&self) -> String {
        format!("jaego{}", self.holder.id())
    }

    fn within(&self, program: &str) -> Command {
        let [nsenter, net, end] = self.prefix();
        let mut command = Command::new(nsenter);
        command.args([net, end, program.to_owned()]);
        command
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        // One that can not be removed goes with the namespace.
        let _gone = run(Command::new("ip").args(["link", "delete", &self.outer()]));
        // Who can not be killed has ended already.
        let _gone = self.holder.kill();
        let _gone = self.holder.wait();
    }
}

/// Two neighbours in the block for tests of network devices (RFC 2544, 198.18.0.0/15), by chance, since rehearsals may run side by side.
fn addresses() -> (Ipv4Addr, Ipv4Addr) {
    let mut rng = rand::rng();
    let (third, fourth) = (rng.random_range(0..=255), rng.random_range(0..64) * 4);
    (Ipv4Addr::new(198, 18, third, fourth + 1), Ipv4Addr::new(198, 18, third, fourth + 2))
}

fn run(command: &mut Command) -> Result<()> {
    let words = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output().with_context(|| words.clone())?;
    if !output.status.success() {
        bail!("{words}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};

    /// A connection to somebody on the island who says back what is said.
    fn echo(island: &Island, port: u16) -> (Child, TcpStream) {
        let script = format!(
            "import socket\ns=socket.create_server(('{}',{port}))\nc=s.accept()[0]\nwhile d:=c.recv(100): c.sendall(d)",
            island.inside
        );
        let child = island.within("python3").args(["-c", &script]).spawn().unwrap();
        let (address, started) = (SocketAddr::new(island.inside, port), Instant::now());
        loop {
            match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                Ok(stream) => return (child, stream),
                Err(_) if started.elapsed() < Duration::from_secs(20) => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn hears(stream: &mut TcpStream, within: Duration) -> bool {
        stream.set_read_timeout(Some(within)).unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).is_ok()
    }

    #[test]
    fn who_is_cut_off_hears_nothing_until_the_cable_is_in_again() {
        let island = match Island::make() {
            Ok(island) => island,
            Err(error) => {
                // Who may not is told what to do.
                assert!(error.downcast_ref::<NotHere>().is_some(), "{error:#}");
                return eprintln!("skipped: {error:#}");
            }
        };
        if let Err(error) = refused::needs_program("python3", "python3", "the other end of this test") {
            return eprintln!("skipped: {error}");
        }
        let (mut other, mut stream) = echo(&island, 7_777);
        stream.write_all(b"a").unwrap();
        assert!(hears(&mut stream, Duration::from_secs(5)));
        island.pull(true).unwrap();
        stream.write_all(b"b").unwrap();
        assert!(!hears(&mut stream, Duration::from_millis(500)), "a word came through a cable that is out");
        island.pull(false).unwrap();
        // What was lost is sent again by TCP.
        assert!(hears(&mut stream, Duration::from_secs(30)));
        let (pid, link) = (island.holder.id(), format!("/sys/class/net/{}", island.outer()));
        assert!(std::path::Path::new(&link).exists());
        drop(island);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
        assert!(!std::path::Path::new(&link).exists());
        drop(stream);
        let _gone = other.kill();
        other.wait().unwrap();
    }
}
