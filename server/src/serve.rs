//! `jaego serve`: start in order, serve until told to stop or a part fails, stop in order.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use ingest::identity::Identity;
use ingest::intake::Intake;
use ingest::nats_server::NatsServer;
use ingest::registry::RegistryFile;
use publisher::{Limits, Publisher, ReaderLimits};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::admin::{self, Admin};
use crate::core::{Core, Lost, reached, registered, was_imported};
use crate::data_dir;
use crate::endpoints::Endpoints;
use crate::history;
use crate::metrics::Metrics;
use crate::nats_care;
use crate::probe;
use crate::publish::Publishing;
use crate::settings::{Nats, Settings};
use crate::stop;
use crate::threads::Threads;

/// From SIGTERM to the end; what is not done by then is left to the next start.
const STOP_LIMIT: Duration = Duration::from_secs(9);
/// How long requests under way at the desk are waited for.
const DESK_LIMIT: Duration = Duration::from_secs(1);

/// Serves until a signal comes.
///
/// The managed NATS is started by the calling thread and ends with it, so this is to be called by the main thread.
///
/// # Errors
/// When it can not start, or a part failed while it ran.
pub fn run(settings: &Settings) -> anyhow::Result<()> {
    let dir = &settings.data_dir;
    let _held = data_dir::hold(dir)?;
    // The writing side has this thread alone: its tasks hand on to each other without waking another core. All else has
    // threads of its own.
    let writing = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let threads = Threads::start()?;
    let nats = match &settings.nats {
        Nats::Managed(listen) => Some(NatsServer::start(&nats_dir(dir)?, *listen)?),
        Nats::Url(_) => None,
    };
    Endpoints::remove(dir).context("removing the endpoints of an earlier run")?;
    let served = writing.block_on(serve(settings, nats, &threads));
    writing.shutdown_timeout(Duration::from_millis(200));
    threads.shutdown(Duration::from_millis(200));
    served
}

fn nats_dir(data_dir: &Path) -> anyhow::Result<std::path::PathBuf> {
    let dir = std::path::absolute(data_dir)?.join("nats");
    std::fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    Ok(dir)
}

async fn serve(settings: &Settings, mut nats: Option<NatsServer>, threads: &Threads) -> anyhow::Result<()> {
    let reading = threads.reading();
    // While the journal is replayed, the list is read.
    let registry = settings.registry.clone();
    let registry = registry.map(|path| reading.spawn_blocking(move || read_registry(&path)));
    let open = {
        let _reading = reading.enter();
        bind_open(settings)?
    };
    let admin = reading.spawn(bind("admin-addr", settings.admin_addr)).await??;
    let desk = threads.desk().spawn(bind("desk-addr", settings.desk_addr)).await??;
    let (url, monitors) = whereabouts(nats.as_ref(), settings);
    let endpoints = Endpoints {
        open: format!("http://{}", open.local_addr()?),
        desk: format!("http://{}", desk.local_addr()?),
        admin: format!("http://{}", admin.local_addr()?),
        nats: url.clone(),
        pid: std::process::id(),
    };
    let client =
        ingest::nats::connect(&url, "jaego").await.with_context(|| format!("connecting to NATS at {url}"))?;
    let checks = connect_for_checks(threads, url.clone()).await?;
    let archive = history::open(settings)?;
    let lost = Lost { sequences: settings.skip_damaged.clone(), beginning: settings.forget_beginning };
    let replayed = (settings.data_dir.as_path(), lost, archive.as_ref());
    let mut core = Core::open(client, &monitors, settings.replicas, replayed).await?;

    let ready = Arc::new(AtomicBool::new(false));
    let trouble = (Arc::clone(&core.modes), core.journal.health());
    let publisher = Publisher::with(settings.publisher());
    history::show(&publisher, archive, settings);
    let (published_in, published) = watch::channel(0);
    let probed = published.clone();
    let admin = (admin, settings.admin_limits.clone());
    let mut servers = Servers::start(
        reading,
        (&core, settings.identity.clone()),
        &publisher,
        &ready,
        published.clone(),
        open,
        admin,
    );
    let mut stopped = std::pin::pin!(stop::requested(settings.exit_on_stdin_close)?);
    let started = tokio::select! {
        started = start(settings, registry, &mut core, (threads, checks), &publisher, published_in) => started.map(Some),
        () = &mut stopped => Ok(None),
        error = nats_care::look_after(&mut nats, &trouble) => Err(error),
    };
    let outcome = match started {
        Ok(Some((publishing, intake))) => {
            servers.publishing = Some(publishing);
            servers.open_desk(threads.desk(), desk, settings.desk_limits.clone(), intake);
            if settings.probe {
                servers.probe(&core, probed);
            }
            ready.store(true, Relaxed);
            announce(&endpoints, &settings.data_dir)?;
            tokio::select! {
                () = &mut stopped => Ok(()),
                error = core.failure() => Err(error),
                error = nats_care::look_after(&mut nats, &trouble) => Err(error),
            }
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = &outcome {
        tracing::error!(error = format!("{error:#}"), "stopping");
        servers.stop.cancel();
        return outcome;
    }
    tracing::info!("stopping: no more is taken, what was taken is answered");
    ready.store(false, Relaxed);
    tokio::time::timeout(STOP_LIMIT, wind_down(core, servers, &settings.data_dir))
        .await
        .context("not everything was done in time; the next start replays a longer tail")?
}

/// URL of NATS, and its monitoring pages.
fn whereabouts(nats: Option<&NatsServer>, settings: &Settings) -> (String, Vec<String>) {
    match (nats, &settings.nats) {
        (Some(server), _) => (server.url().to_owned(), vec![server.monitor().to_owned()]),
        (None, Nats::Url(url)) => (url.clone(), settings.nats_monitors.clone()),
        (None, Nats::Managed(_)) => unreachable!("a managed server was started"),
    }
}

/// A connection for checks alone, on their threads.
async fn connect_for_checks(threads: &Threads, url: String) -> anyhow::Result<async_nats::Client> {
    let connecting = async move {
        let connected = ingest::nats::connect_for_checks(&url, "jaego-checks").await;
        connected.with_context(|| format!("connecting to NATS at {url} for checks"))
    };
    threads.checks().spawn(connecting).await?
}

/// Everything between an open journal and readiness: at the end a version is served that shows the registry.
async fn start(
    settings: &Settings,
    registry: Option<JoinHandle<anyhow::Result<RegistryFile>>>,
    core: &mut Core,
    (threads, checks): (&Threads, async_nats::Client),
    publisher: &Publisher,
    published: watch::Sender<u64>,
) -> anyhow::Result<(Publishing, Intake)> {
    core.catch_up().await?;
    core.rule(&settings.rules).await?;
    let identity = settings.identity.as_ref().context("a core has a key of person fingerprints")?;
    core.keys(identity.keys()).await?;
    if let Some(schedule) = &settings.schedule {
        core.schedule(schedule).await?;
    }
    let intake = core.take(settings.tick, Arc::clone(identity), (checks, threads.checks()));
    let served = published.subscribe();
    let publishing =
        Publishing::start(threads.publishing(), core, publisher.clone(), published, settings.replicas);
    shows(core, &served, 1).await?;
    if let Some(file) = registry
        && let Some(imported) = import_at_start(settings, core, file.await??).await?
    {
        shows(core, &served, imported).await?;
        // Another core may have imported after us.
        if !core.view.borrow().imports.iter().any(|import| import.seq == imported) {
            bail!(
                "the registry import at journal sequence {imported} did not take effect: see the log and start again"
            );
        }
    }
    Ok((publishing, intake))
}

/// Waits until a version at least this new is served.
async fn shows(core: &mut Core, served: &watch::Receiver<u64>, version: u64) -> anyhow::Result<()> {
    tokio::select! {
        () = reached(served.clone(), |served| *served >= version) => Ok(()),
        error = core.failure() => Err(error),
    }
}

/// Imports a registry file unless it was imported before; returns the journal sequence from which it is in force.
async fn import_at_start(
    settings: &Settings,
    core: &Core,
    file: RegistryFile,
) -> anyhow::Result<Option<u64>> {
    let RegistryFile { source, rows, findings, digest, .. } = file;
    tracing::info!(
        source,
        rows = rows.len(),
        findings = findings.len(),
        "registry read; `jaego registry check` lists the findings"
    );
    if rows.is_empty() {
        bail!("{source} has no outlet: `jaego registry check` says why");
    }
    let view = core.view.borrow().clone();
    if was_imported(&view.imports, digest) {
        tracing::info!(source, "registry was imported before");
        return Ok(None);
    }
    let loss = ingest::registry::reconcile(&registered(&view), &rows).loss();
    if loss > settings.max_loss {
        bail!(
            "importing {source} would remove {loss} outlets, more than max-loss {}: look at `jaego registry diff`, \
             then start with --max-loss {loss} if that is right",
            settings.max_loss
        );
    }
    Ok(Some(ingest::import::import(&core.journal, &source, digest, &rows).await?.seq))
}

/// Reads a registry file.
///
/// # Errors
/// When it can not be read or is no registry.
pub fn read_registry(path: &Path) -> anyhow::Result<RegistryFile> {
    let bytes = std::fs::read(path).with_context(|| format!("reading the registry {}", path.display()))?;
    let name =
        path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    ingest::registry::read(&bytes, &name)
        .with_context(|| format!("understanding the registry {}", path.display()))
}

/// Listens for readers. Where others share the address, the kernel hands each connection to one of the processes.
///
/// # Errors
/// When the address is taken.
pub(crate) fn bind_open(settings: &Settings) -> anyhow::Result<TcpListener> {
    let addr = settings.open_addr;
    let listen = || {
        let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(settings.open_share)?;
        socket.bind(addr)?;
        socket.listen(4_096)
    };
    listen().with_context(|| {
        format!("listening on {addr}: choose another --open-addr, or share it with --open-share yes")
    })
}

pub(crate) async fn bind(name: &'static str, addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| format!("listening on {addr}: choose another --{name}"))
}

pub(crate) fn announce(endpoints: &Endpoints, data_dir: &Path) -> anyhow::Result<()> {
    endpoints.write(data_dir).context("writing endpoints.json")?;
    tracing::info!(url = endpoints.open, "open API");
    if !endpoints.desk.is_empty() {
        tracing::info!(url = endpoints.desk, "desk");
    }
    tracing::info!(url = endpoints.admin, "admin");
    tracing::info!(url = endpoints.nats, "NATS");
    Ok(())
}

/// The HTTP servers and what feeds them.
struct Servers {
    stop: CancellationToken,
    desk_stop: CancellationToken,
    open: JoinHandle<()>,
    admin: JoinHandle<()>,
    publisher: Publisher,
    publishing: Option<Publishing>,
    desk: Option<JoinHandle<()>>,
}

impl Servers {
    fn start(
        reading: &Handle,
        (core, identity): (&Core, Option<Arc<Identity>>),
        publisher: &Publisher,
        ready: &Arc<AtomicBool>,
        published: watch::Receiver<u64>,
        open: TcpListener,
        (admin, admin_limits): (TcpListener, ReaderLimits),
    ) -> Self {
        let stop = CancellationToken::new();
        let metrics = Metrics::new(
            (Arc::clone(&core.counts), identity),
            Arc::clone(&core.hops),
            (core.applied.clone(), core.view.clone()),
            Arc::clone(&core.admission),
            Arc::clone(&core.modes),
            publisher.clone(),
        );
        let state = Admin {
            journal: core.journal.clone(),
            applied: core.applied.clone(),
            view: core.view.clone(),
            published,
            ready: Arc::clone(ready),
            metrics: Arc::new(metrics),
            admission: Arc::clone(&core.admission),
            modes: Arc::clone(&core.modes),
            bulk: Arc::new(Semaphore::new(1)),
        };
        Self {
            open: reading.spawn(serve_open(publisher, open, &stop)),
            admin: reading.spawn(serve_admin(admin, admin::router(state), admin_limits, &stop)),
            stop,
            desk_stop: CancellationToken::new(),
            publisher: publisher.clone(),
            publishing: None,
            desk: None,
        }
    }

    /// Measures the whole way by reports of our own, until the desk is closed.
    fn probe(&self, core: &Core, served: watch::Receiver<u64>) {
        let (nats, modes) = (core.journal.client(), Arc::clone(&core.modes));
        tokio::spawn(probe::run(nats, served, modes, self.desk_stop.clone()));
    }

    /// Lets the desk answer beside the writing side, as checks are: whatever storms there, sales over NATS have their thread.
    fn open_desk(&mut self, threads: &Handle, listener: TcpListener, limits: ReaderLimits, intake: Intake) {
        let (router, limits) = (ingest::desk::router(intake), Limits::new(limits));
        self.desk =
            Some(threads.spawn(publisher::serve(listener, router, limits, cancelled(&self.desk_stop))));
    }

    /// Takes no more requests at the desk and lets those under way be answered.
    async fn close_desk(&mut self) -> anyhow::Result<()> {
        self.desk_stop.cancel();
        match self.desk.take() {
            // Who waits longer waits for a journal that does not answer, and sends again.
            Some(desk) => Ok(tokio::time::timeout(DESK_LIMIT, desk).await.unwrap_or(Ok(()))?),
            None => Ok(()),
        }
    }
}

/// Serves readers until the stop; streams end then, since nothing else would end them.
pub(crate) fn serve_open(
    publisher: &Publisher,
    listener: TcpListener,
    stop: &CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    let (publisher, stopped) = (publisher.clone(), cancelled(stop));
    async move {
        let closing = publisher.clone();
        let stop = async move {
            stopped.await;
            closing.close_streams();
        };
        publisher.serve(listener, stop).await;
    }
}

/// Serves the operator until the stop.
pub(crate) fn serve_admin(
    listener: TcpListener,
    router: Router,
    limits: ReaderLimits,
    stop: &CancellationToken,
) -> impl Future<Output = ()> + Send + 'static {
    publisher::serve(listener, router, Limits::new(limits), cancelled(stop))
}

fn cancelled(stop: &CancellationToken) -> impl Future<Output = ()> + Send + 'static {
    stop.clone().cancelled_owned()
}

async fn wind_down(core: Core, mut servers: Servers, data_dir: &Path) -> anyhow::Result<()> {
    // Requests under way hold the way in open: the desk is closed first.
    servers.close_desk().await?;
    core.stop().await?;
    servers.stop.cancel();
    servers.open.await?;
    servers.admin.await?;
    if let Some(publishing) = servers.publishing {
        publishing.ended().await?;
    }
    history::close(&servers.publisher).await;
    Endpoints::remove(data_dir).context("removing endpoints.json")?;
    tracing::info!("stopped");
    Ok(())
}
