//! Reading: what came over a connection, word by word.

use std::io;
use std::time::Duration;

use super::{Caller, Worker};
use crate::rehearse::generator::Answer;
use crate::rehearse::wire::{self, Word};

impl<C: Caller> Worker<C> {
    /// Acts on what the system says of a connection.
    pub(super) fn attend(&mut self, connection: usize, readable: bool, writable: bool) {
        if !self.connections[connection].is_open() {
            return;
        }
        if !self.connections[connection].ready {
            self.opened(connection);
        } else if writable && !self.connections[connection].out.is_empty() {
            self.flush(connection);
        }
        if readable && self.connections[connection].is_open() {
            self.read(connection);
        }
    }

    fn read(&mut self, connection: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        loop {
            match self.connections[connection].read(&mut buffer) {
                Ok(None) => break,
                Ok(Some(read)) => {
                    if let Err(error) = self.take(connection, &buffer[..read]) {
                        self.broke(connection, &io::Error::other(format!("{error:#}")));
                        break;
                    }
                    // A short read has emptied the socket; the poll tells when there is more.
                    if read < buffer.len() || !self.connections[connection].is_open() {
                        break;
                    }
                }
                Err(error) => {
                    self.broke(connection, &error);
                    break;
                }
            }
        }
        self.buffer = buffer;
    }

    /// Takes the words in what was read; the rest is kept for the next time.
    fn take(&mut self, connection: usize, fresh: &[u8]) -> anyhow::Result<()> {
        let mut kept = std::mem::take(&mut self.connections[connection].input);
        let bytes = if kept.is_empty() {
            fresh
        } else {
            kept.extend_from_slice(fresh);
            &kept[..]
        };
        let mut taken = 0;
        loop {
            let slot = &self.connections[connection];
            if !slot.is_open() {
                return Ok(());
            }
            let pool = &self.pools[slot.pool];
            let rest = &bytes[taken..];
            let Some(read) = wire::read(pool.terms.wire, rest, &slot.inbox)? else { break };
            taken += read.length;
            self.hear(connection, &read.word, rest);
        }
        if self.connections[connection].is_open() {
            let rest = bytes[taken..].to_vec();
            self.connections[connection].input = rest;
        }
        Ok(())
    }

    fn hear(&mut self, connection: usize, word: &Word, bytes: &[u8]) {
        match *word {
            Word::Answer { ticket, status, body, last } => {
                let answer = Answer { status, body: &bytes[body.0..body.1] };
                self.answer(connection, ticket, &answer, last);
            }
            Word::Ready if !self.connections[connection].ready => self.is_ready(connection),
            Word::Ping => {
                self.connections[connection].out.extend_from_slice(b"PONG\r\n");
                self.flush(connection);
            }
            Word::Ready | Word::Other => {}
        }
    }

    fn answer(&mut self, connection: usize, ticket: u64, answer: &Answer<'_>, last: bool) {
        let slot = &mut self.connections[connection];
        let (flight, pool) = (slot.land(ticket), slot.pool);
        let http = self.pools[pool].terms.wire == wire::Wire::Http;
        if last {
            self.broke(connection, &io::ErrorKind::ConnectionAborted.into());
            self.connections[connection].not_before = Duration::ZERO;
        } else if http {
            self.pools[pool].free.push(connection);
        }
        // An answer that comes after its time belongs to nobody: its request was sent again.
        let Some(flight) = flight else { return };
        let request = flight.request;
        if let Some(class) = request.class {
            let gauge = &mut self.gauges.classes[class];
            *gauge.statuses.entry(answer.status).or_default() += 1;
            gauge.bytes += answer.body.len() as u64;
        }
        let next = self.caller.answered(&request, answer, &mut self.asks);
        self.settle(request, next);
        self.enqueue();
    }
}
