//! When to stop: a signal, or the end of standard input where a parent holds it.

use std::future::Future;
use std::io::Read;

use tokio::signal::unix::{SignalKind, signal};

/// Resolves at SIGTERM or SIGINT; with `on_stdin_close` also when standard input ends.
///
/// # Errors
/// When signals can not be listened for.
pub fn requested(on_stdin_close: bool) -> std::io::Result<impl Future<Output = ()>> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (closed_in, closed) = tokio::sync::oneshot::channel::<()>();
    let mut held = Some(closed_in);
    if on_stdin_close {
        let closed_in = held.take();
        // A thread of its own: a read that never ends would hold up the runtime's end.
        std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
            let mut rest = [0; 256];
            while std::io::stdin().read(&mut rest).is_ok_and(|n| n > 0) {}
            drop(closed_in);
        })?;
    }
    Ok(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
            _ = closed => {}
        }
        drop(held);
    })
}
