//! The machine of a run, so that a figure is not taken for that of another one.

use std::fs;

use serde::{Deserialize, Serialize};

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Model of its CPUs, as the system calls it; absent where it does not tell.
    pub cpu: Option<String>,
    /// CPUs that this process may use.
    pub cpus: usize,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Kernel.
    pub kernel: String,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            cpu: model(&read("/proc/cpuinfo")),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory_mib(&read("/proc/meminfo")).unwrap_or(0),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }

    /// In words.
    pub(crate) fn words(&self) -> String {
        let Self { cpu, cpus, memory_mib, kernel } = self;
        let cpu = cpu.as_deref().unwrap_or("a model that the system does not tell");
        format!("{cpus} CPUs ({cpu}), {:.1} GiB, Linux {kernel}", *memory_mib as f64 / 1_024.0)
    }
}

/// The value of a field of /proc: a line of a name, a colon and a value.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim())
}

/// On x86 the model by name; on ARM its number and that of who made it.
fn model(cpuinfo: &str) -> Option<String> {
    let named = field(cpuinfo, "model name").or_else(|| field(cpuinfo, "Model")).map(str::to_owned);
    named.or_else(|| {
        let maker = field(cpuinfo, "CPU implementer")?;
        Some(format!("implementer {maker}, part {}", field(cpuinfo, "CPU part")?))
    })
}

fn memory_mib(meminfo: &str) -> Option<u64> {
    let kib: u64 = field(meminfo, "MemTotal")?.split(' ').next()?.parse().ok()?;
    Some(kib / 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_told_as_the_system_tells_it() {
        let x86 = "processor\t: 0\nmodel name\t: AMD EPYC 7B13\n";
        assert_eq!(model(x86).as_deref(), Some("AMD EPYC 7B13"));
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(model(arm).as_deref(), Some("implementer 0x41, part 0xd0c"));
        assert_eq!(
            (model("processor : 0"), memory_mib("MemTotal:       24689848 kB\n")),
            (None, Some(24_111))
        );
        let machine = Machine::this();
        assert!(machine.cpus > 0 && machine.memory_mib > 0 && !machine.kernel.is_empty(), "{machine:?}");
        let unnamed = Machine { cpu: None, cpus: 2, memory_mib: 2_048, kernel: "6.1".to_owned() };
        assert_eq!(unnamed.words(), "2 CPUs (a model that the system does not tell), 2.0 GiB, Linux 6.1");
    }
}
