#!/usr/bin/env bash
# Creates the kind cluster of the course, or finds it. Prints the path of its kubeconfig.
# Usage: setup-kind-cluster.sh [--airgap] [--image NODE_IMAGE] [--delete]
#   --airgap   build the cluster's images from Debian's packages, on a machine that reaches no container registry
#   --image    a node image of kind's release notes, for another version of Kubernetes
#   --delete   remove the cluster and everything in it
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

airgap='' image='' delete=''
while (($#)); do
  case $1 in
    --airgap) airgap=1 ;;
    --image)
      image=${2:?--image needs the name of a node image}
      shift
      ;;
    --delete) delete=1 ;;
    *) die "unknown option $1; there are --airgap, --image and --delete" ;;
  esac
  shift
done

kubeconfig=${KUBECONFIG:-$HOME/.kube/config}

if [[ $airgap ]]; then
  [[ $delete ]] && exec "$root/scripts/airgap/down"
  exec "$root/scripts/airgap/up" "$kubeconfig"
fi

has kind || die "kind is missing: run ./scripts/setup-dev-environment.sh (on a machine without a registry, use --airgap)"
engine=$(engine)
[[ $engine ]] || die "no container engine answers: start Docker, or install Podman"
[[ $engine == podman ]] && export KIND_EXPERIMENTAL_PROVIDER=podman

if [[ $delete ]]; then
  kind delete cluster --name "$cluster"
  exit
fi

if kind get clusters 2>/dev/null | grep -qx "$cluster"; then
  kind export kubeconfig --name "$cluster" --kubeconfig "$kubeconfig" >/dev/null 2>&1 || true
  if KUBECONFIG=$kubeconfig kind_cluster_answers; then
    say "the cluster $cluster is there"
    echo "$kubeconfig"
    exit
  fi
  say "the cluster $cluster does not answer, and is made anew"
  kind delete cluster --quiet --name "$cluster"
fi

say "creating the cluster $cluster with $engine (the first time downloads a node image)"
kind create cluster --quiet --name "$cluster" --kubeconfig "$kubeconfig" --wait 120s ${image:+--image "$image"} ||
  die "kind could not create the cluster; where no registry can be reached, use --airgap"
say "the cluster $cluster is there"
echo "$kubeconfig"
