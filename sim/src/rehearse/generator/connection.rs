//! One connection and what is under way on it.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::Request;

/// Bits of a ticket that say which place; the rest counts how often the place was used.
const PLACE_BITS: u32 = 16;

/// A connection, open or not.
#[derive(Debug)]
pub(crate) struct Connection {
    /// Pool that it belongs to.
    pub(crate) pool: usize,
    /// Number of the target that it speaks to.
    pub(crate) target: usize,
    /// The socket, from the moment at which it is opened.
    stream: Option<TcpStream>,
    /// Whether requests may be written.
    pub(crate) ready: bool,
    /// Since when it is being opened.
    pub(crate) since: Duration,
    /// Not to be opened before.
    pub(crate) not_before: Duration,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// Written by callers, not yet by the system.
    pub(crate) out: Vec<u8>,
    /// Read and not yet understood.
    pub(crate) input: Vec<u8>,
    /// Where NATS sends answers. Each connection has one of its own: tickets are told apart within a connection alone.
    pub(crate) inbox: String,
    places: Vec<Place>,
    free: Vec<usize>,
}

#[derive(Debug, Default)]
struct Place {
    used: u64,
    flight: Option<Flight>,
}

/// A request under way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flight {
    pub(crate) request: Request,
    pub(crate) sent: Duration,
}

impl Flight {
    /// The greeting of NATS, which no caller asked for.
    pub(crate) fn greeting() -> Self {
        let request = Request { class: None, pool: 0, what: 0, intended: Duration::ZERO, tries: 0 };
        Self { request, sent: Duration::MAX }
    }
}

impl Connection {
    /// A connection of a pool, not open.
    pub(crate) fn new(pool: usize, target: usize) -> Self {
        Self {
            pool,
            target,
            stream: None,
            ready: false,
            since: Duration::ZERO,
            not_before: Duration::ZERO,
            failures: 0,
            out: Vec::new(),
            input: Vec::new(),
            inbox: format!("_INBOX.{:016x}", rand::random::<u64>()),
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Begins to open it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn open(
        &mut self,
        to: SocketAddr,
        registry: &Registry,
        token: Token,
        now: Duration,
    ) -> io::Result<()> {
        let mut stream = TcpStream::connect(to)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        stream.set_nodelay(true)?;
        self.since = now;
        self.stream = Some(stream);
        Ok(())
    }

    /// Whether it is open or being opened.
    pub(crate) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether the system has connected it.
    ///
    /// # Errors
    /// Why it could not.
    pub(crate) fn connected(&self) -> io::Result<bool> {
        let Some(stream) = &self.stream else { return Ok(false) };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Closes it and returns what was under way.
    pub(crate) fn close(&mut self) -> Vec<Flight> {
        self.stream = None;
        self.ready = false;
        self.out.clear();
        self.input.clear();
        self.free.clear();
        self.places.drain(..).filter_map(|place| place.flight).collect()
    }

    /// Requests under way.
    pub(crate) fn busy(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Puts a request under way and returns its ticket.
    pub(crate) fn board(&mut self, flight: Flight) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() - 1
        });
        let place = &mut self.places[index];
        place.used += 1;
        place.flight = Some(flight);
        place.used << PLACE_BITS | index as u64
    }

    /// Takes the request of a ticket, if it is under way; over HTTP the only one.
    pub(crate) fn land(&mut self, ticket: u64) -> Option<Flight> {
        let index = usize::try_from(ticket & ((1 << PLACE_BITS) - 1)).ok()?;
        let place = self.places.get_mut(index)?;
        if ticket != 0 && ticket >> PLACE_BITS != place.used {
            return None;
        }
        let flight = place.flight.take()?;
        self.free.push(index);
        Some(flight)
    }

    /// Takes all requests that were sent before a moment.
    pub(crate) fn overdue(&mut self, before: Duration) -> Vec<Flight> {
        let mut late = Vec::new();
        for (index, place) in self.places.iter_mut().enumerate() {
            if place.flight.is_some_and(|flight| flight.sent < before) {
                late.extend(place.flight.take());
                self.free.push(index);
            }
        }
        late
    }

    /// Hands the system what it takes now.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let mut done = 0;
        while done < self.out.len() {
            match stream.write(&self.out[done..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => done += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.drain(..done);
        Ok(())
    }

    /// Reads once; `None` where there is nothing now.
    ///
    /// # Errors
    /// When the connection broke or was closed.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        match stream.read(into) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => Ok(Some(read)),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(what: u64, sent: u64) -> Flight {
        let request = Request { class: None, pool: 0, what, intended: Duration::ZERO, tries: 1 };
        Flight { request, sent: Duration::from_secs(sent) }
    }

    #[test]
    fn an_answer_that_comes_too_late_is_nobodys() {
        let mut connection = Connection::new(0, 0);
        let (first, second) = (connection.board(flight(1, 1)), connection.board(flight(2, 9)));
        let late = connection.overdue(Duration::from_secs(5));
        assert_eq!(late.iter().map(|flight| flight.request.what).collect::<Vec<_>>(), [1]);
        let third = connection.board(flight(3, 9));
        assert!(connection.land(first).is_none());
        assert_eq!(connection.land(third).unwrap().request.what, 3);
        assert_eq!((connection.land(second).unwrap().request.what, connection.busy()), (2, 0));
        assert!(connection.close().is_empty());
    }
}
