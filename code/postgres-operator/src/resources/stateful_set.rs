//! The servers: a StatefulSet with one volume per pod.

use super::{PASSWORD, PORT, REPLICATION_PASSWORD, SUPERUSER_PASSWORD, labels, owned};
use crate::{
    api::{Amounts, Database, Resources, Storage, same_quantity},
    parameters::command,
};
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, EnvVarSource, ExecAction,
    Lifecycle, LifecycleHandler, PersistentVolumeClaim, PersistentVolumeClaimSpec, PodSecurityContext,
    PodSpec, PodTemplateSpec, Probe, SeccompProfile, SecretKeySelector, SecurityContext, Volume, VolumeMount,
    VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::{
    api::resource::Quantity,
    apis::meta::v1::{LabelSelector, ObjectMeta},
};
use kube::ResourceExt;

/// Name of the volume: its claims are `data-<pod>`.
pub const DATA_VOLUME: &str = "data";

const MOUNT: &str = "/var/lib/postgresql/data";
/// A folder below the mount: file systems keep a `lost+found` at the top, which initdb refuses.
const PGDATA: &str = "/var/lib/postgresql/data/pgdata";
/// User and group `postgres` of the official Debian images.
const POSTGRES_ID: i64 = 999;

/// The StatefulSet. `existing` is the one that runs, whose volume template can no longer change.
pub fn stateful_set(db: &Database, existing: Option<&StatefulSet>) -> StatefulSet {
    let storage = match existing.and_then(recorded_storage) {
        Some(recorded) => as_spelled(recorded, &db.spec.storage),
        None => db.spec.storage.clone(),
    };
    StatefulSet {
        metadata: owned(db, db.name_any()),
        spec: Some(StatefulSetSpec {
            replicas: Some(db.spec.replicas),
            service_name: Some(format!("{}-pods", db.name_any())),
            selector: LabelSelector { match_labels: Some(labels(db)), ..LabelSelector::default() },
            // The pods need no order at the start: a standby waits for its primary by itself. And with the default,
            // OrderedReady, a pod that never gets ready blocks the rollout of the very change that would mend it.
            pod_management_policy: Some("Parallel".into()),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(labels(db)), ..ObjectMeta::default() }),
                spec: Some(pod(db)),
            },
            volume_claim_templates: Some(vec![claim(&storage)]),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

/// Size and class that a StatefulSet was made with.
pub fn recorded_storage(existing: &StatefulSet) -> Option<Storage> {
    let templates = existing.spec.as_ref()?.volume_claim_templates.as_ref()?;
    let claim =
        templates.iter().find(|claim| claim.metadata.name.as_deref() == Some(DATA_VOLUME))?.spec.as_ref()?;
    let size = claim.resources.as_ref()?.requests.as_ref()?.get("storage")?.0.clone();
    Some(Storage { size, storage_class: claim.storage_class_name.clone() })
}

/// `1024Mi` comes back as `1Gi`. It stays as the spec has it, so that a set is the same whether it was just made or is there.
fn as_spelled(recorded: Storage, wanted: &Storage) -> Storage {
    let same = same_quantity(&recorded.size, &wanted.size);
    let size = if same { wanted.size.clone() } else { recorded.size };
    Storage { size, ..recorded }
}

/// The volume template of a server.
pub(crate) fn claim(storage: &Storage) -> PersistentVolumeClaim {
    let requests = [("storage".to_owned(), Quantity(storage.size.clone()))].into();
    PersistentVolumeClaim {
        metadata: ObjectMeta { name: Some(DATA_VOLUME.into()), ..ObjectMeta::default() },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".into()]),
            storage_class_name: storage.storage_class.clone(),
            resources: Some(VolumeResourceRequirements { requests: Some(requests), limits: None }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    }
}

fn pod(db: &Database) -> PodSpec {
    PodSpec {
        service_account_name: Some(db.name_any()),
        // Enough for the checkpoint of a fast shutdown; a kill after it means a recovery at the next start.
        termination_grace_period_seconds: Some(60),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(POSTGRES_ID),
            run_as_group: Some(POSTGRES_ID),
            fs_group: Some(POSTGRES_ID),
            fs_group_change_policy: Some("OnRootMismatch".into()),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".into(), localhost_profile: None }),
            ..PodSecurityContext::default()
        }),
        init_containers: Some(vec![bootstrap(db)]),
        containers: vec![server(db)],
        volumes: Some(vec![
            memory_or_disk("run", None),
            memory_or_disk("tmp", None),
            memory_or_disk("shm", Some("Memory")),
        ]),
        ..PodSpec::default()
    }
}

fn bootstrap(db: &Database) -> Container {
    let (app_secret, app_key) = match &db.spec.password_secret_ref {
        Some(reference) => (reference.name.clone(), reference.key.clone()),
        None => (db.credentials_name(), PASSWORD.into()),
    };
    let generated = db.credentials_name();
    let mut container = container(db, "bootstrap");
    container.command = Some(["bash", "-c", include_str!("bootstrap.sh")].map(str::to_owned).into());
    container.env.get_or_insert_default().extend([
        value("APP_USER", &db.spec.username),
        value("APP_DATABASE", &db.spec.database_name),
        value("PRIMARY_DOMAIN", &format!("{}-pods", db.name_any())),
        secret("APP_PASSWORD", &app_secret, &app_key),
        secret("SUPERUSER_PASSWORD", &generated, SUPERUSER_PASSWORD),
        secret("REPLICATION_PASSWORD", &generated, REPLICATION_PASSWORD),
    ]);
    container
}

fn server(db: &Database) -> Container {
    let ready = Probe {
        exec: Some(exec(&["pg_isready", "-q", "-h", "/var/run/postgresql"])),
        period_seconds: Some(5),
        timeout_seconds: Some(5),
        ..Probe::default()
    };
    Container {
        command: Some(command(db)),
        ports: Some(vec![ContainerPort {
            name: Some("postgres".into()),
            container_port: PORT,
            protocol: Some("TCP".into()), // part of the list's key, like a Service's
            ..ContainerPort::default()
        }]),
        // A day to replay what a crash left in the log, and no liveness probe: a database that is restarted while it is busy
        // recovering starts over.
        startup_probe: Some(Probe {
            period_seconds: Some(1),
            failure_threshold: Some(86_400),
            ..ready.clone()
        }),
        readiness_probe: Some(ready),
        // A plain SIGTERM waits for every client to leave; images differ in the signal that they ask for. SIGINT is the fast
        // shutdown, and the SIGTERM that follows changes nothing about it.
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                exec: Some(exec(&["bash", "-c", "kill -INT 1"])),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        ..container(db, "postgres")
    }
}

/// What both containers share: image, mounts, and no rights.
fn container(db: &Database, name: &str) -> Container {
    let mount = |name: &str, path: &str| VolumeMount {
        name: name.into(),
        mount_path: path.into(),
        ..VolumeMount::default()
    };
    Container {
        name: name.into(),
        image: Some(db.spec.image.clone()),
        image_pull_policy: Some("IfNotPresent".into()),
        // What a server said last is then in the pod's status, where the operator finds it.
        termination_message_policy: Some("FallbackToLogsOnError".into()),
        env: Some(vec![value("PGDATA", PGDATA)]),
        resources: Some(db.spec.resources.as_ref().unwrap_or(&default_resources()).into()),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![
            mount(DATA_VOLUME, MOUNT),
            mount("run", "/var/run/postgresql"),
            mount("tmp", "/tmp"),
            mount("shm", "/dev/shm"),
        ]),
        ..Container::default()
    }
}

fn default_resources() -> Resources {
    let amount = |text: &str| Some(text.to_owned());
    Resources { requests: Amounts { cpu: amount("100m"), memory: amount("128Mi") }, ..Resources::default() }
}

fn memory_or_disk(name: &str, medium: Option<&str>) -> Volume {
    let empty_dir = EmptyDirVolumeSource { medium: medium.map(str::to_owned), size_limit: None };
    Volume { name: name.into(), empty_dir: Some(empty_dir), ..Volume::default() }
}

fn exec(command: &[&str]) -> ExecAction {
    ExecAction { command: Some(command.iter().map(|&word| word.to_owned()).collect()) }
}

fn value(name: &str, value: &str) -> EnvVar {
    EnvVar { name: name.into(), value: Some(value.into()), value_from: None }
}

fn secret(name: &str, secret: &str, key: &str) -> EnvVar {
    let selector = SecretKeySelector { name: secret.into(), key: key.into(), optional: None };
    EnvVar {
        name: name.into(),
        value: None,
        value_from: Some(EnvVarSource { secret_key_ref: Some(selector), ..EnvVarSource::default() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::tests::database;

    #[test]
    fn the_volume_template_of_a_running_set_is_kept() {
        let mut db = database();
        let first = stateful_set(&db, None);
        db.spec.storage.size = "5Gi".into();
        assert_eq!(recorded_storage(&stateful_set(&db, Some(&first))).unwrap().size, "1Gi");
        assert_eq!(recorded_storage(&stateful_set(&db, None)).unwrap().size, "5Gi");
    }

    #[test]
    fn an_amount_that_comes_back_in_other_words_is_the_same() {
        let mut db = database();
        db.spec.storage.size = "1024Mi".into();
        let first = stateful_set(&db, None);
        let mut there = first.clone();
        there.spec.as_mut().unwrap().volume_claim_templates =
            Some(vec![claim(&Storage { size: "1Gi".into(), ..db.spec.storage.clone() })]);
        assert_eq!(stateful_set(&db, Some(&there)), first);
    }

    #[test]
    fn no_password_is_in_the_pod_template() {
        let template = serde_json::to_string(&stateful_set(&database(), None)).unwrap();
        assert!(!template.contains("\"value\":\"password"));
        assert!(template.contains("secretKeyRef"));
    }
}
