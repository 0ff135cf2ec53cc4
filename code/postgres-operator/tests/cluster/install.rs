use crate::target::Target;
use futures::future::{join, try_join_all};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use postgres_operator::crd;
use serde_json::json;

/// Two test runs, or an operator and `kubectl apply`, may each bring the CRD up to date.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_crd_is_installed_while_others_write_it_too() {
    let target = Target::named();
    let client = target.client().await;
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    crd::install(&client).await.unwrap();
    let installs = try_join_all((0..16).map(|_| crd::install(&client)));
    let other = async {
        for count in (0..30).map(Some).chain([None]) {
            let patch = json!({"metadata": {"annotations": {"test.example.com/count": count.map(|it: i32| it.to_string())}}});
            let name = "databases.database.example.com";
            api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        }
    };
    join(installs, other).await.0.unwrap();
}
