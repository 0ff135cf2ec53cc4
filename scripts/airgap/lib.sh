# Shared by up and down: where things are, and how podman and kind are called.
# shellcheck shell=bash disable=SC2034 # used by the scripts that read this
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/postgres-operator-course/airgap
cluster=${KIND_CLUSTER_NAME:-course}
node_image=localhost/postgres-operator-course/node:v1.20.2
postgres_images=(docker.io/library/postgres:17)
kubernetes=v1.20.2
# shellcheck disable=SC2016 # apt expands it
debian_mirror() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' 'Component: main' | head -1; }
mirror=$(debian_mirror) # the one that this machine's apt uses
[[ -n $mirror ]] || { apt-get update -qq; mirror=$(debian_mirror); }
: "${mirror:?the air-gapped cluster needs Debian 12 with its main packages}"
mkdir -p "$cache"

# podman, as this machine allows it: no rlimit is raised, no process limit is set, runc on any cgroup layout
cat >"$cache/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=$(ulimit -n):$(ulimit -n)", "nproc=30000:30000"]
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
CONF
export CONTAINERS_CONF=$cache/containers.conf KIND_EXPERIMENTAL_PROVIDER=podman PATH=$cache/bin:$PATH

say() { printf '%s\n' "airgap: $*" >&2; }
