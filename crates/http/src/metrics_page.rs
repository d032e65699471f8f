use std::sync::OnceLock;

use metrics_exporter_prometheus::{
    BuildError, Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

/// What `/metrics` shows: the process's own counters, gauges and histograms.
#[derive(Clone)]
pub struct MetricsPage(PrometheusHandle);

/// From a cached answer to the slowest connection test.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 30.0];

/// How late a deletion can be: from at once to a day of AWS saying no.
const LATENESS: [f64; 12] =
    [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 14_400.0, 86_400.0];

/// The metrics of the process could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("metrics can't be collected")]
pub struct MetricsError(#[from] BuildError);

impl MetricsPage {
    /// Collects the process's metrics from now on. There is one collector for a process: later calls share it.
    pub fn install() -> Result<Self, MetricsError> {
        static INSTALLED: OnceLock<MetricsPage> = OnceLock::new();
        if let Some(page) = INSTALLED.get() {
            return Ok(page.clone());
        }
        let recorder = recorder()?;
        let page = Self(recorder.handle());
        let mut mine = false;
        let installed = INSTALLED.get_or_init(|| {
            mine = true;
            page
        });
        if mine {
            // It fails only where the program that embeds this one collects metrics itself; then it has them.
            drop(metrics::set_global_recorder(recorder));
        }
        Ok(installed.clone())
    }

    /// Tidies up what was collected since the last time; call it every few seconds.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }

    /// The page, in Prometheus's text format.
    pub(crate) fn render(&self) -> String {
        self.0.render()
    }
}

fn recorder() -> Result<PrometheusRecorder, BuildError> {
    let late = Matcher::Full("curfew_expiry_lag_seconds".to_owned());
    Ok(PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .set_buckets_for_metric(late, &LATENESS)?
        .build_recorder())
}

impl std::fmt::Debug for MetricsPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetricsPage")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deletion_that_is_minutes_late_is_told_from_one_that_is_hours_late() {
        let recorder = recorder().unwrap();
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("curfew_expiry_lag_seconds").record(400.0);
            metrics::histogram!("curfew_http_request_seconds").record(0.02);
        });
        let page = recorder.handle().render();
        for line in [
            r#"curfew_expiry_lag_seconds_bucket{le="300"} 0"#,
            r#"curfew_expiry_lag_seconds_bucket{le="600"} 1"#,
            r#"curfew_http_request_seconds_bucket{le="0.025"} 1"#,
        ] {
            assert!(page.contains(line), "{page}");
        }
    }
}
