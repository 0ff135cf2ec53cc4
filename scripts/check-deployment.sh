#!/usr/bin/env bash
# Runs the operator in the kind cluster as its own Deployment: image, rights, leader election, probes and metrics.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
kind_cluster_answers || die "the current context is not a kind cluster's, or it does not answer"
name=deployment-check-$RANDOM
deploy=code/postgres-operator/deploy

clean_up() {
  kubectl --namespace "$name" delete database --all --timeout=60s
  kubectl delete namespace "$name" --wait=false
  kubectl delete --filename $deploy/deployment.yaml --filename $deploy/rbac.yaml --ignore-not-found
}
trap 'clean_up >/dev/null 2>&1' EXIT

./scripts/build-operator-image.sh --load
# Create or replace: servers before Kubernetes 1.25 know no CEL rules, and refuse to apply them.
kubectl replace --validate=false --filename $deploy/crd.yaml || kubectl create --validate=false --filename $deploy/crd.yaml
kubectl kustomize $deploy >/dev/null
kubectl apply --filename $deploy/rbac.yaml --filename $deploy/deployment.yaml
kubectl --namespace postgres-operator rollout status deployment/postgres-operator --timeout=90s

kubectl create namespace "$name"
kubectl --namespace "$name" apply --filename labs/lab-4-1-conditions/orders.yaml
kubectl --namespace "$name" wait --for=condition=Ready --timeout=90s database/orders

leader() { kubectl --namespace postgres-operator get lease postgres-operator --output jsonpath='{.spec.holderIdentity}'; }
first=$(leader)
metrics=$(kubectl get --raw "/api/v1/namespaces/postgres-operator/pods/$first:8080/proxy/metrics")
grep 'postgres_operator_reconcile_total{outcome="ok"}' <<<"$metrics"

# A clean stop hands the lead over. The other operator does what the first one did.
kubectl --namespace postgres-operator delete pod "$first" --wait=true --timeout=90s
deadline=$((SECONDS + 40))
until second=$(leader) && [[ $second && $second != "$first" ]]; do
  ((SECONDS < deadline)) || die "nobody took over from $first"
  sleep 0.2
done
kubectl --namespace "$name" delete service orders-ro
until kubectl --namespace "$name" get service orders-ro >/dev/null 2>&1; do
  ((SECONDS < deadline)) || die "$second leads and does not bring a lost Service back"
  sleep 0.2
done
say "$first led, then $second"
