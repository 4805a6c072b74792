//! The settings there are, each with its default and what it is for.

/// One setting: the same name is the flag, the key in the file and, with `JAEGO_` and in capitals, the variable.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    pub(super) help: &'static str,
}

const fn key(name: &'static str, default: &'static str, help: &'static str) -> Key {
    Key { name, default, help }
}

pub(super) const KEYS: &[Key] = &[
    key(
        "role",
        "all",
        "What this process does: all, core where several share one NATS, or edge: the open API alone",
    ),
    key("registry", "", "Store list or HIRA register to import at start, unless it was imported before"),
    key("max-loss", "500", "Most outlets that the import at start may take out of the registry"),
    key("data-dir", "jaego-data", "Folder for checkpoints, endpoints.json and the managed NATS"),
    key(
        "nats",
        "managed",
        "`managed`, or the URLs of NATS servers with JetStream, comma-separated: all of one cluster",
    ),
    key("nats-listen", "127.0.0.1:4222", "Address of the managed NATS; port 0 takes any free one"),
    key(
        "nats-monitor",
        "",
        "Monitoring URLs of all servers of an outside NATS, comma-separated: the proof of fsync",
    ),
    key("replicas", "1", "Replicas of the journal when it is made: 1, 3 or 5"),
    key("open-addr", "127.0.0.1:8080", "Address of the open API"),
    key("open-share", "no", "yes: several processes may listen on one open-addr, and share its readers"),
    key("open-rate", "100", "Requests a second of one address, ten times as many after a pause; 0: no limit"),
    key(
        "open-key",
        "",
        "File made by `jaego key new`, the same on all edges: readers may make keys to ask more often",
    ),
    key(
        "open-key-rate",
        "1000",
        "Requests a second of one key, and of one address with keys; 0: as without a key",
    ),
    key("open-connections", "16000", "Connections of readers at once; 0: no limit"),
    key("open-connections-per-address", "1000", "Connections of one address at once; 0: no limit"),
    key("open-idle", "65s", "Time until a connection without a whole request is closed"),
    key("open-stall", "30s", "Time until a reader that takes nothing of its answer is cut"),
    key(
        "open-proxies",
        "",
        "Addresses and networks of proxies of ours, comma-separated: their X-Forwarded-For tells who asks",
    ),
    key(
        "map-tiles",
        "",
        "Raster tiles behind the map, such as https://tiles.example/{z}/{x}/{y}.png; without them outlets draw the country",
    ),
    key("map-attribution", "", "Whose those tiles are, shown on the map; [words](https://…) is a link"),
    key("desk-addr", "127.0.0.1:8082", "Address of the desk: claims and checks over HTTP; keep it private"),
    key("desk-connections", "16000", "Connections of the desk's callers at once; 0: no limit"),
    key("desk-idle", "65s", "Time until a connection to the desk without a whole request is closed"),
    key("desk-stall", "30s", "Time until a caller of the desk that takes nothing of its answer is cut"),
    key(
        "policy",
        "",
        "Ration policies: korea-2020, taiwan-2020, drill, or a file; without it those of the journal stay",
    ),
    key("admin-addr", "127.0.0.1:8081", "Address of health, metrics and registry imports; keep it private"),
    key("admin-connections", "256", "Connections to the admin port at once; 0: no limit"),
    key("admin-idle", "65s", "Time until a connection to the admin port without a whole request is closed"),
    key(
        "admin-stall",
        "30s",
        "Time until a caller of the admin port that takes nothing of its answer is cut",
    ),
    key("probe", "no", "yes: report once a second as an outlet that is none, and tell when that is served"),
    key("tick", "1s", "Time between versions, 100ms to 60s"),
    key("face-item", "mask", "Item that the face of 2020 shows"),
    key(
        "history-days",
        "31",
        "Past days whose published changes are kept under /v1/history, 0 to 3660; 0: none",
    ),
    key("history-origin", "", "On an edge: URL of the core to which readers of /v1/history are sent"),
    key("silent-after", "30m", "Open time without a word after which a level is unknown"),
    key("hidden-after", "29d", "Time without a word after which stock is no longer shown"),
    key("skip-damaged", "", "Journal sequences known to be lost, comma-separated: they are not applied"),
    key(
        "forget-beginning",
        "no",
        "yes: start without a checkpoint although the journal has dropped its oldest entries; what only they said is forgotten",
    ),
    key(
        "person-key",
        "",
        "File with the key of person fingerprints, made by `jaego key new`; the key itself: JAEGO_PERSON_KEY_HEX",
    ),
    key(
        "person-key-previous",
        "",
        "File with the key before that one, while keys change; the key itself: JAEGO_PERSON_KEY_PREVIOUS_HEX",
    ),
    key("clock-ahead", "0s", "For rehearsals alone: this process lives so far ahead of the machine's clock"),
    key("log", "info", "Log filter, such as info or debug,async_nats=warn"),
    key("log-format", "text", "text or json"),
];
