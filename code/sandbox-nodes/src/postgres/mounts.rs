//! The volumes of a pod as folders of the machine, and where a container sees them.

use super::Machine;
use crate::{object::Key, volume::volume_name, world::World};
use k8s_openapi::api::core::v1::{ConfigMap, Container, Pod, Secret, Volume};
use kube::{Api, ResourceExt};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// Triples of source, target and `ro` or `rw`. The error is what the kubelet says of what is missing.
pub(crate) async fn mounts(
    world: &World,
    machine: &Machine,
    pod: &Pod,
    container: &Container,
) -> Result<Vec<[String; 3]>, String> {
    let triple = |source: PathBuf, target: &str, mode: &str| {
        [source.display().to_string(), target.into(), mode.into()]
    };
    let mut mounts = vec![
        triple(machine.shims(), "/usr/local/bin", "ro"),
        // Where the shim of initdb looks.
        triple(machine.templates.clone(), "/var/cache/sandbox", "rw"),
        triple(machine.etc("passwd"), "/etc/passwd", "ro"),
        triple(machine.etc("group"), "/etc/group", "ro"),
        triple(machine.etc("nsswitch.conf"), "/etc/nsswitch.conf", "ro"),
        triple(machine.hosts(&pod.namespace().unwrap_or_default()), "/etc/hosts", "ro"),
    ];
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_deref()).unwrap_or_default();
    let mut wanted: Vec<_> = container.volume_mounts.iter().flatten().collect();
    // A mount inside another comes after it.
    wanted.sort_by_key(|mount| mount.mount_path.len());
    for mount in wanted {
        let volume = volumes.iter().find(|it| it.name == mount.name);
        let volume = volume.ok_or_else(|| format!("volume {:?} not found", mount.name))?;
        let mut source = source(world, machine, pod, volume).await?;
        if let Some(path) = &mount.sub_path {
            source = source.join(path);
            machine.make_folder(&source).map_err(|error| error.to_string())?;
        }
        let mode = if mount.read_only == Some(true) { "ro" } else { "rw" };
        mounts.push(triple(source, &mount.mount_path, mode));
    }
    Ok(mounts)
}

async fn source(world: &World, machine: &Machine, pod: &Pod, volume: &Volume) -> Result<PathBuf, String> {
    let namespace = pod.namespace().unwrap_or_default();
    let folder = |path: PathBuf| match machine.make_folder(&path) {
        Ok(()) => Ok(path),
        Err(error) => Err(format!("cannot make {}: {error}", path.display())),
    };
    let own = machine.pod(&pod.uid().unwrap_or_default()).join("volumes").join(&volume.name);
    if let Some(it) = &volume.persistent_volume_claim {
        let claim = world.claims.get(&Key::new(&namespace, &it.claim_name));
        let claim = claim.ok_or_else(|| format!("persistentvolumeclaim \"{}\" not found", it.claim_name))?;
        return folder(machine.volume(&volume_name(&claim)));
    }
    if volume.empty_dir.is_some() {
        return folder(own);
    }
    if let Some(it) = &volume.secret {
        let name = it.secret_name.clone().unwrap_or_default();
        let secret = Api::<Secret>::namespaced(world.client.clone(), &namespace).get(&name).await;
        let data = secret.map_err(|error| format!("secret \"{name}\": {error}"))?.data.unwrap_or_default();
        return files(folder(own)?, data.into_iter().map(|(key, value)| (key, value.0)).collect());
    }
    if let Some(it) = &volume.config_map {
        let map = Api::<ConfigMap>::namespaced(world.client.clone(), &namespace).get(&it.name).await;
        let data =
            map.map_err(|error| format!("configmap \"{}\": {error}", it.name))?.data.unwrap_or_default();
        return files(folder(own)?, data.into_iter().map(|(key, value)| (key, value.into_bytes())).collect());
    }
    Err(format!("the sandbox has no volumes of the kind of {:?}", volume.name))
}

fn files(folder: PathBuf, files: BTreeMap<String, Vec<u8>>) -> Result<PathBuf, String> {
    for (name, content) in files {
        fs::write(folder.join(name), content).map_err(|error| error.to_string())?;
    }
    Ok(folder)
}
