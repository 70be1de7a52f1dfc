//! The processes of one scenario, what is done to them, and what they leave behind.

use std::fmt;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::Failure;
use crate::audit::{Pause, Record};
use crate::faults::Faults;
use crate::process::{Process, ProcessError};
use crate::scenario::Orders;
use crate::settings::{CallerSettings, ExporterSettings, NameserverSettings, Role, Target, Timing};

/// How long a process may take to end, beside the longest call.
const END_WAIT: Duration = Duration::from_secs(15);

/// Which process of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Nameserver,
    Exporter(u32),
    Caller(u32),
}

impl Who {
    /// In words, for counts: «kill -9 of exporters».
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Who::Nameserver => "nameserver",
            Who::Exporter(_) => "exporter",
            Who::Caller(_) => "caller",
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Nameserver => f.write_str("nameserver"),
            Who::Exporter(number) => write!(f, "exporter-{number}"),
            Who::Caller(number) => write!(f, "caller-{number}"),
        }
    }
}

/// Where processes of one kind are.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// A network namespace, unless it is this one.
    pub(crate) namespace: Option<String>,
    pub(crate) host: String,
}

impl Default for Place {
    fn default() -> Place {
        Place { namespace: None, host: "127.0.0.1".to_owned() }
    }
}

/// What a world consists of.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) orders: Orders,
    /// What exporters register in place of their own addresses; one for each exporter.
    pub(crate) advertised: Vec<Option<String>>,
    pub(crate) callers: u32,
    /// What each caller binds to.
    pub(crate) targets: Vec<Target>,
    /// Tasks of a caller on each of its bindings, and how long one rests between two calls.
    pub(crate) tasks: u32,
    pub(crate) rest_max: Duration,
    pub(crate) timing: Timing,
    /// Whether exporters keep few replies.
    pub(crate) is_forgetful: bool,
    pub(crate) nameserver: Place,
    pub(crate) exporters: Place,
    pub(crate) caller: Place,
}

impl Plan {
    /// Three exporters and two callers on this machine, each caller with bindings of every kind.
    pub(crate) fn new(orders: Orders, timing: Timing) -> Plan {
        Plan {
            orders,
            advertised: vec![None; 3],
            callers: 2,
            targets: vec![Target::Exporter(0), Target::Exporter(1), Target::Group, Target::Any],
            tasks: 4,
            rest_max: Duration::from_millis(20),
            timing,
            is_forgetful: false,
            nameserver: Place::default(),
            exporters: Place::default(),
            caller: Place::default(),
        }
    }
}

/// One of the processes, over all its lives.
#[derive(Debug)]
struct Member {
    who: Who,
    life: u32,
    process: Option<Process>,
    stopped: Option<Pause>,
}

/// The processes of one scenario. Dropping it kills them all and removes their files.
#[derive(Debug)]
pub(crate) struct World {
    /// Dropped first: nobody writes into a directory that goes.
    members: Vec<Member>,
    plan: Plan,
    /// Where the nameserver listens, in every life.
    nameserver: String,
    record: Record,
    pub(crate) faults: Faults,
    directory: TempDir,
}

impl World {
    /// Starts everything, and returns when calls are being made.
    pub(crate) async fn open(plan: Plan) -> Result<World, Failure> {
        let directory = tempfile::Builder::new().prefix("verify-faults-").tempdir()?;
        let exporters = (0..plan.advertised.len()).filter_map(|number| u32::try_from(number).ok().map(Who::Exporter));
        let everybody = std::iter::once(Who::Nameserver).chain(exporters).chain((0..plan.callers).map(Who::Caller));
        let members = everybody.map(|who| Member { who, life: 0, process: None, stopped: None }).collect();
        let nameserver = format!("{}:0", plan.nameserver.host);
        let mut world =
            World { members, plan, nameserver, record: Record::default(), faults: Faults::default(), directory };
        world.start(Who::Nameserver)?;
        let endpoint = world.ready(Who::Nameserver).await?;
        world.nameserver = endpoint.trim_start_matches("tcp://").to_owned();
        Ok(world)
    }

    /// Starts exporters and callers too, and returns when calls are being made.
    pub(crate) async fn populate(&mut self) -> Result<(), Failure> {
        for kind in ["exporter", "caller"] {
            let those: Vec<_> = self.everybody().into_iter().filter(|who| who.kind() == kind).collect();
            for who in &those {
                self.start(*who)?;
            }
            for who in those {
                self.ready(who).await?;
            }
        }
        Ok(())
    }

    /// All of them.
    pub(crate) fn everybody(&self) -> Vec<Who> {
        self.members.iter().map(|member| member.who).collect()
    }

    /// Those that live at present.
    pub(crate) fn alive(&self) -> Vec<Who> {
        self.members.iter().filter(|member| member.process.is_some()).map(|member| member.who).collect()
    }

    /// Where the nameserver listens.
    pub(crate) fn nameserver(&self) -> &str {
        &self.nameserver
    }

    /// Begins the next life of a process.
    pub(crate) fn start(&mut self, who: Who) -> Result<(), Failure> {
        let life = self.member(who)?.life + 1;
        let role = self.role(who, life);
        let place = match who {
            Who::Nameserver => &self.plan.nameserver,
            Who::Exporter(_) => &self.plan.exporters,
            Who::Caller(_) => &self.plan.caller,
        };
        let log = self.directory.path().join(format!("{who}.log"));
        let process = Process::start(&format!("{who} in life {life}"), &role, place.namespace.as_deref(), &log)?;
        let member = self.member(who)?;
        (member.life, member.process) = (life, Some(process));
        Ok(())
    }

    /// Waits until it serves, and gives where.
    pub(crate) async fn ready(&mut self, who: Who) -> Result<String, Failure> {
        let ready = self.process(who)?.ready().await;
        ready.map_err(|error| self.keep(&error))
    }

    /// `kill -9`.
    pub(crate) async fn kill(&mut self, who: Who) -> Result<(), Failure> {
        self.process(who)?.lives()?;
        self.process(who)?.kill().await?;
        let member = self.member(who)?;
        member.process = None;
        if let Who::Caller(caller) = who {
            let killed = (caller, member.life);
            self.record.killed.insert(killed);
        }
        self.faults.add(format!("kill -9 of {}", who.kind()));
        Ok(())
    }

    /// SIGSTOP.
    pub(crate) fn stop(&mut self, who: Who) -> Result<(), Failure> {
        let pause = Pause::begin(who);
        self.process(who)?.signal(Signal::STOP)?;
        self.member(who)?.stopped = Some(pause);
        self.faults.add(format!("SIGSTOP of {}", who.kind()));
        Ok(())
    }

    /// SIGCONT.
    pub(crate) fn go_on(&mut self, who: Who) -> Result<(), Failure> {
        self.process(who)?.signal(Signal::CONT)?;
        let stopped = self.member(who)?.stopped.take();
        self.record.pauses.extend(stopped.map(Pause::end));
        Ok(())
    }

    /// SIGTERM, and waits until it has ended well.
    pub(crate) async fn terminate(&mut self, who: Who) -> Result<(), Failure> {
        let limit = END_WAIT + self.plan.timing.timeout_max;
        let ended = self.process(who)?.terminate(limit).await;
        self.member(who)?.process = None;
        Ok(ended?)
    }

    /// An error if somebody has ended who was neither killed nor asked to.
    pub(crate) fn look_after(&mut self) -> Result<(), Failure> {
        let mut processes = self.members.iter_mut().filter_map(|member| member.process.as_mut());
        let all_live = processes.try_for_each(Process::lives);
        all_live.map_err(|error| self.keep(&error))
    }

    /// Keeps what was written, for whoever looks for the cause.
    fn keep(&mut self, error: &ProcessError) -> Failure {
        self.directory.disable_cleanup(true);
        format!("{error}; what was written is in {}", self.directory.path().display()).into()
    }

    /// Ends everybody in order, callers first, so that every call has its answer. What does not end well is a finding.
    pub(crate) async fn close(mut self) -> Closed {
        let mut findings = Vec::new();
        for who in self.alive().into_iter().rev() {
            if let Err(error) = self.terminate(who).await {
                findings.push(error.to_string());
            }
        }
        let World { record, faults, directory, .. } = self;
        Closed { record, faults, findings, directory }
    }

    fn role(&self, who: Who, life: u32) -> Role {
        let (nameserver, timing) = (self.nameserver.clone(), self.plan.timing);
        let file = |kind: &str| self.directory.path().join(format!("{who}.{life}.{kind}"));
        let (journal, tally) = (file("calls"), file("tally"));
        match who {
            Who::Nameserver => Role::Nameserver(NameserverSettings {
                listen: nameserver,
                data: self.directory.path().join("registry"),
            }),
            Who::Exporter(number) => Role::Exporter(ExporterSettings {
                number,
                life,
                nameserver,
                listen: format!("{}:0", self.plan.exporters.host),
                advertise: self.plan.advertised.get(number as usize).cloned().flatten(),
                timing,
                is_forgetful: self.plan.is_forgetful,
                journal,
                tally,
            }),
            Who::Caller(number) => Role::Caller(CallerSettings {
                number,
                life,
                nameserver,
                targets: self.plan.targets.clone(),
                tasks: self.plan.tasks,
                rest_max: self.plan.rest_max,
                timing,
                is_naive: self.plan.orders.is_naive,
                seed: self.plan.orders.seed ^ (u64::from(number) << 48) ^ (u64::from(life) << 32),
                journal,
                tally,
            }),
        }
    }

    fn member(&mut self, who: Who) -> Result<&mut Member, Failure> {
        self.members.iter_mut().find(|member| member.who == who).ok_or_else(|| format!("there is no {who}").into())
    }

    fn process(&mut self, who: Who) -> Result<&mut Process, Failure> {
        self.member(who)?.process.as_mut().ok_or_else(|| format!("{who} does not run").into())
    }
}

/// What a world leaves behind.
#[derive(Debug)]
pub(crate) struct Closed {
    pub(crate) record: Record,
    pub(crate) faults: Faults,
    pub(crate) findings: Vec<String>,
    pub(crate) directory: TempDir,
}
