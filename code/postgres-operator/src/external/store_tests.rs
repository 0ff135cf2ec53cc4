use super::*;

fn open(destination: &str, files_below: Option<&str>) -> Result<Destination, String> {
    open_for("shop", destination, files_below, Arc::default())
}

fn open_for(
    namespace: &str,
    destination: &str,
    files_below: Option<&str>,
    guard: Arc<Guard>,
) -> Result<Destination, String> {
    let backup = Backup { destination: destination.into(), secret_name: None };
    let root = files_below.map(PathBuf::from);
    Destination::open(&backup, namespace, BTreeMap::new(), root.as_ref(), guard)
        .map_err(|error| error.to_string())
}

#[test]
fn files_stay_where_the_operator_allows_them() {
    assert!(open("file:///backups/shop", Some("/backups")).is_ok());
    for (destination, root) in [
        ("file:///etc", Some("/backups")),
        ("file:///backups/../etc", Some("/backups")),
        ("file:///backups-of-others", Some("/backups")),
        ("file:///backups", None),
    ] {
        let error = open(destination, root).err().unwrap();
        assert!(error.contains("--file-backups"), "{destination}: {error}");
    }
}

#[test]
fn what_is_no_address_of_a_store_is_told() {
    for destination in ["", "backups", "s3:", "ftp://host/x", "s3://"] {
        let error =
            open(destination, Some("/")).err().unwrap_or_else(|| panic!("{destination:?} was opened"));
        assert!(error.starts_with("spec.backup.destination: "), "{destination}: {error}");
    }
}

#[tokio::test]
async fn an_object_that_is_not_there_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let destination = open(&url, Some("/")).unwrap();
    let path = destination.final_backup("shop", "orders", "uid-1");
    assert!(destination.find(&path).await.unwrap().is_none());
    destination.remove(&path).await.unwrap();
    assert!(destination.list(&destination.of_name("shop", "orders")).await.unwrap().is_empty());
    destination.write(&path, "x".into()).await.unwrap();
    assert_eq!(destination.list(&destination.of_name("shop", "orders")).await.unwrap(), vec![path]);
    assert!(folder.path().join("shop/orders/uid-1.dump").exists());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_left_alone_and_one_that_refuses_is_not() {
    let destination = open("file:///backups", Some("/")).unwrap();
    let refusal = || object_store::Error::PermissionDenied { path: String::new(), source: "no".into() };
    for _ in 0..5 {
        let refused = destination.ask(async { Err::<(), _>(refusal()) }).await.unwrap_err();
        assert_eq!(refused.to_string(), "the backup store does not allow it");
    }
    let asked = std::cell::Cell::new(0);
    for _ in 0..5 {
        let silent = async {
            asked.set(asked.get() + 1);
            std::future::pending::<Result<(), object_store::Error>>().await
        };
        let error = destination.ask(silent).await.unwrap_err();
        assert_eq!(error.to_string(), "the backup store cannot be reached", "the words stay the same");
    }
    assert_eq!(asked.get(), 3);
    assert_eq!(destination.guard.open_breakers(), 1);
    let neighbour = open_for("elsewhere", "file:///backups", Some("/"), destination.guard.clone()).unwrap();
    assert!(neighbour.ask(async { Ok::<_, object_store::Error>(()) }).await.is_ok(), "others go on");
}

#[test]
fn an_answer_that_blames_the_request_is_a_refusal_and_one_that_does_not_is_none() {
    for (text, told) in [
        ("Server returned non-2xx status code: 400 Bad Request: wrong region", "refuses the request"),
        ("Server returned non-2xx status code: 429 Too Many Requests: ", "cannot be reached"),
        ("Server returned non-2xx status code: 503 Service Unavailable: ", "cannot be reached"),
        ("error sending request", "cannot be reached"),
    ] {
        let error = StoreError::from(object_store::Error::Generic { store: "S3", source: text.into() });
        assert_eq!(error.to_string(), format!("the backup store {told}"), "{text}");
    }
}

#[tokio::test]
async fn what_lies_in_a_folder_below_is_somebody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let destination = open(&format!("file://{}", folder.path().display()), Some("/")).unwrap();
    let ours = destination.final_backup("shop", "orders", "uid-1");
    let below = destination.of_name("shop", "orders").join("shop").join("others").join("uid-2.dump");
    for path in [&ours, &below] {
        destination.write(path, "x".into()).await.unwrap();
    }
    assert_eq!(destination.list(&destination.of_name("shop", "orders")).await.unwrap(), [ours]);
}

#[tokio::test]
async fn what_a_try_left_goes_and_the_backups_of_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let destination = open(&format!("file://{}", folder.path().display()), Some("/")).unwrap();
    let (ours, others) = (
        destination.final_backup("shop", "orders", "uid-1"),
        destination.final_backup("shop", "orders", "uid-2"),
    );
    for path in [
        format!("{ours}"),
        format!("{ours}{PARTIAL}a"),
        format!("{ours}{PARTIAL}b"),
        format!("{others}{PARTIAL}a"),
    ] {
        destination.write(&Path::from(path), "x".into()).await.unwrap();
    }
    // What a killed upload leaves, which the store itself does not show.
    for torn in [format!("uid-1.dump{PARTIAL}c#1"), format!("uid-2.dump{PARTIAL}c#1")] {
        std::fs::write(folder.path().join("shop/orders").join(torn), "x").unwrap();
    }
    destination.remove_partials(&ours).await.unwrap();
    let torn = std::fs::read_dir(folder.path().join("shop/orders")).unwrap().flatten();
    let torn: Vec<_> =
        torn.map(|file| file.file_name()).filter(|it| it.to_string_lossy().contains('#')).collect();
    assert_eq!(torn, [format!("uid-2.dump{PARTIAL}c#1").as_str()]);
    let mut left = destination.list(&destination.of_name("shop", "orders")).await.unwrap();
    left.sort();
    let left: Vec<_> = left.iter().filter_map(|path| path.filename()).collect();
    assert_eq!(left, ["uid-1.dump", "uid-2.dump.partial-a"]);
}
