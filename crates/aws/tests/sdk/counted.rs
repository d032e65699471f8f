//! What is counted for whoever watches.

use curfew_aws::AwsGateway;
use curfew_sim::{Fault, FaultKind};
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::support::{Aws, access};

#[tokio::test]
async fn every_try_of_a_call_is_counted_by_operation_and_outcome() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let page = recorder.handle();
    let _collecting = metrics::set_default_local_recorder(&recorder);
    let aws = Aws::demo().await;
    let directory = aws.gateway.directory(&access()).await.unwrap();
    aws.control().inject(Fault::on("ListInstances", FaultKind::Throttle).once());
    directory.instances().await.unwrap();
    aws.control().inject(Fault::on("ListInstances", FaultKind::AccessDenied { message: "no".to_owned() }));
    directory.instances().await.unwrap_err();
    let page = page.render();
    for (operation, outcome) in [
        ("AssumeRole", "ok"),
        ("ListInstances", "throttled"),
        ("ListInstances", "ok"),
        ("ListInstances", "refused"),
    ] {
        let line = format!("curfew_aws_calls_total{{operation=\"{operation}\",outcome=\"{outcome}\"}} 1");
        assert!(page.contains(&line), "{line}: {page}");
    }
}
