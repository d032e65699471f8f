use std::sync::OnceLock;

use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// What `/metrics` shows: the process's own counters, gauges and histograms.
#[derive(Clone)]
pub struct MetricsPage(PrometheusHandle);

/// From a cached answer to the slowest connection test.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 30.0];

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
        let recorder = PrometheusBuilder::new().set_buckets(&SECONDS)?.build_recorder();
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

impl std::fmt::Debug for MetricsPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetricsPage")
    }
}
